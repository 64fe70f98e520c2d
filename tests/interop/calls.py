"""Calls every contract with zeep, built from the server's own WSDLs."""

import datetime
import io
import pathlib
import sys
import time
import urllib.request
import uuid
import zipfile

import zeep

BASE = sys.argv[1]
PATIENT = {"root": "1.2.752.129.2.1.3.1", "extension": "191212121212"}
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5)
STAFF = {"employeeId": "SE1-P1"}
ACTION = {"requestDate": NOW, "requestedBy": STAFF, "registrationDate": NOW, "registeredBy": STAFF}
ACTOR = {"employeeId": "SE1-P1", "careProviderId": "SE1-VG1", "careUnitId": "SE1-VE1"}


CALLED = set()


def call(domain, contract, major, **parameters):
    CALLED.add(contract)
    client = zeep.Client(f"{BASE}/{domain.replace(':', '/')}/{contract}/{major}/rivtabp21?wsdl")
    return client.service[contract](_soapheaders={"LogicalAddress": "SE1-VG1"}, **parameters)


def expect(what, got, wanted):
    assert got == wanted, f"{what}: {got!r}, not {wanted!r}"
    print(f"ok  {what}: {got}")


blocking = "informationsecurity:authorization:blocking"
consent = "informationsecurity:authorization:consent"
log = "informationsecurity:auditing:log"

block = str(uuid.uuid4())
answer = call(blocking, "RegisterExtendedBlock", 4, blockId=block, blockType="Outer", patientId=PATIENT,
              informationCareProviderId="SE1-VG2", excludedInformationTypes=["lak"], registerAction=ACTION,
              replicationTimeout=-1)
expect("RegisterExtendedBlock", answer.result.resultCode, "OK")
entity = {"informationStartDate": NOW, "informationEndDate": NOW, "informationCareUnitId": "SE1-VE2",
          "informationCareProviderId": "SE1-VG2"}
answer = call(blocking, "CheckBlocks", 4, accessingActor=ACTOR, patientId=PATIENT,
              informationEntities=[{**entity, "rowNumber": 0}, {**entity, "informationType": "lak", "rowNumber": 1}])
expect("CheckBlocks", [r.status for r in answer.checkBlocksResult.checkResults], ["BLOCKED", "OK"])
answer = call(blocking, "GetBlocks", 4, patientId=PATIENT)
expect("GetBlocks", [b.blockId for b in answer.blockHeader.blocks], [block])

revoke = str(uuid.uuid4())
later = datetime.datetime.now() + datetime.timedelta(days=2)
answer = call(blocking, "RegisterTemporaryExtendedRevoke", 4, temporaryRevokeId=revoke, blockId=block, endDate=later,
              revokedForCareUnitId="SE1-VE1", registerAction=ACTION, revokeReason="PatientsConsent", replicationTimeout=0)
expect("RegisterTemporaryExtendedRevoke", answer.result.resultCode, "OK")
answer = call(blocking, "CancelTemporaryExtendedRevoke", 4, temporaryRevokeId=revoke, cancellationInfo=ACTION,
              replicationTimeout=0)
expect("CancelTemporaryExtendedRevoke", answer.result.resultCode, "OK")
answer = call(blocking, "GetPatientIds", 4, careProviderId="SE1-VG2")
expect("GetPatientIds", len(answer.getPatientIdResult.patientIds), 1)
for contract, action in [("RevokeExtendedBlock", "revokeAction"), ("DeleteExtendedBlock", "deleteAction")]:
    answer = call(blocking, contract, 4, blockId=block, replicationTimeout=0, **{action: ACTION})
    expect(contract, answer.result.resultCode, "OK")
answer = call(blocking, "GetExtendedBlocksForPatient", 4, careProviderId="SE1-VG2", patientId=PATIENT)
history = answer.getExtendedBlocksResult.blocks[0]
expect("GetExtendedBlocksForPatient", history.deletionInfo.requestedBy.employeeId, "SE1-P1")

copy, revoke = str(uuid.uuid4()), str(uuid.uuid4())
answer = call(blocking, "RegisterBlock", 4, blockId=copy, blockType="Outer", patientId=PATIENT,
              informationCareProviderId="SE1-VG3")
expect("RegisterBlock", answer.result.resultCode, "OK")
registration = {"temporaryRevokeId": revoke, "blockId": copy, "endDate": later, "revokedForCareUnitId": "SE1-VE1"}
answer = call(blocking, "RegisterTemporaryRevoke", 4, temporaryRevokeRegistration=registration)
expect("RegisterTemporaryRevoke", answer.result.resultCode, "OK")
answer = call(blocking, "UnregisterTemporaryRevoke", 4, temporaryRevokeId=revoke)
expect("UnregisterTemporaryRevoke", answer.result.resultCode, "OK")
answer = call(blocking, "UnregisterBlock", 4, blockId=copy)
expect("UnregisterBlock", answer.result.resultCode, "OK")

emergency = str(uuid.uuid4())
answer = call(consent, "RegisterExtendedConsent", 2, assertionId=emergency, assertionType="Emergency",
              scope="NationalLevel", patientId=PATIENT, careProviderId="SE1-VG1", careUnitId="SE1-VE1",
              registrationAction=ACTION)
expect("RegisterExtendedConsent", answer.result.resultCode, "OK")
answer = call(consent, "CheckConsent", 2, accessingActor=ACTOR, patientId=PATIENT)
expect("CheckConsent", (answer.checkResult.hasConsent, answer.checkResult.assertionType), (True, "Emergency"))

mine = str(uuid.uuid4())
answer = call(consent, "RegisterExtendedConsent", 2, assertionId=mine, assertionType="Consent", scope="NationalLevel",
              patientId=PATIENT, careProviderId="SE1-VG1", careUnitId="SE1-VE2", registrationAction=ACTION)
expect("RegisterExtendedConsent", answer.result.resultCode, "OK")
answer = call(consent, "GetConsentsForPatient", 2, careProviderId="SE1-VG1", patientId=PATIENT)
expect("GetConsentsForPatient", len(answer.getConsentsResult.pdlAssertions), 2)
answer = call(consent, "EndConsentByPatient", 1, assertionId=mine, patientId=PATIENT)
expect("EndConsentByPatient", answer.result.resultCode, "OK")
answer = call(consent, "CancelExtendedConsent", 2, assertionId=emergency, cancellationAction=ACTION)
expect("CancelExtendedConsent", answer.result.resultCode, "OK")
answer = call(consent, "DeleteExtendedConsent", 2, assertionId=emergency, deletionAction=ACTION)
expect("DeleteExtendedConsent", answer.result.resultCode, "OK")
answer = call(consent, "GetConsentsForCareProvider", 2, careProviderId="SE1-VG1", getCancelledFlag=True)
ended = [a.assertionId for a in answer.getAllAssertionsResult.cancelledAssertions]
expect("GetConsentsForCareProvider", sorted(ended), sorted([mine, emergency]))
answer = call(consent, "GetExtendedConsentsForPatient", 2, careProviderId="SE1-VG1", patientId=PATIENT,
              getCancelledFlag=True)
expect("GetExtendedConsentsForPatient", [a.deletionInfo is not None for a in answer.getExtendedConsentsResult.pdlAssertions],
       [True, False])
answer = call(consent, "GetAllExtendedConsentsForPatient", 1, patientId=PATIENT, getCancelledFlag=True)
expect("GetAllExtendedConsentsForPatient", len(answer.getExtendedConsentsResult.pdlAssertions), 2)

provider, unit = {"careProviderId": "SE1-VG1"}, {"careUnitId": "SE1-VE1"}
record = {"logId": str(uuid.uuid4()), "system": {"systemId": "SE1-S1"},
          "activity": {"activityType": "Läsa", "startDate": NOW, "purpose": "Vård och behandling"},
          "user": {"userId": "SE1-P1", "careProvider": provider, "careUnit": unit},
          "resources": {"resource": [{"resourceType": "Vårdkontakt", "patient": {"patientId": PATIENT},
                                      "careProvider": provider}]}}
expect("StoreLog", call(log, "StoreLog", 2, log=[record]).result.resultCode, "OK")
expect("StoreLog again", call(log, "StoreLog", 2, log=[record]).result.resultCode, "VALIDATION_ERROR")

interval = {"fromDate": NOW - datetime.timedelta(days=1), "toDate": NOW + datetime.timedelta(days=1)}
answer = call(log, "GetLogs", 2, careProviderId="SE1-VG1", patientId=PATIENT, **interval)
logs = answer.logsResult.logs.log
expect("GetLogs", [(one.logId, one.activity.startDate) for one in logs], [(record["logId"], NOW)])
answer = call(log, "GetAccessLogsForPatient", 2, patientId=PATIENT, **interval)
# With three s, as the schema has it.
rows = answer.accessLogsResult.accesssLogs.accessLog
expect("GetAccessLogsForPatient", [(row.careUnitId, row.resourceType) for row in rows], [("SE1-VE1", "Vårdkontakt")])
other = {**record, "logId": str(uuid.uuid4()),
         "user": {**record["user"], "careProvider": {"careProviderId": "SE1-VG4"}}}
expect("StoreLog", call(log, "StoreLog", 2, log=[other]).result.resultCode, "OK")
answer = call(log, "GetInfoLogs", 2, careProviderId="SE1-VG1", **interval)
expect("GetInfoLogs", [one.careProviderId for one in answer.infoLogsResult.careProviders.careProvider], ["SE1-VG4"])
answer = call(log, "GetLogsByOrder", 1, careProviderId="SE1-VG1", maxResultsPerFile=100, **interval)
expect("GetLogsByOrder", answer.result.resultCode, "OK")
order = answer.orderId
answer = call(log, "GetFilesForOrderId", 1, orderId=order)
while answer.result.resultCode in ("REPORT_ON_QUEUE", "REPORT_IN_PROCESS"):
    time.sleep(0.2)
    answer = call(log, "GetFilesForOrderId", 1, orderId=order)
expect("GetFilesForOrderId", (answer.result.resultCode, answer.multimedia[0].mediaType), ("OK", "application/zip"))
with urllib.request.urlopen(answer.multimedia[0].reference) as download:
    archive = zipfile.ZipFile(io.BytesIO(download.read()))
assert archive.testzip() is None
expect("the file", archive.read(archive.namelist()[0]).count(record["logId"].encode()), 1)

answer = call("itintegration:monitoring", "PingForConfiguration", 1)
expect("PingForConfiguration", len(answer.pingDateTime), 14)

contracts = {path.name.split("Interaction")[0] for path in pathlib.Path("wsdl").rglob("*.wsdl")}
expect("contracts never called", sorted(contracts - CALLED), [])
