//! From an interaction of the monitoring domain to its contract.

use crate::contracts::contract::choose_contract;

crate::messages::generated::monitoring_contracts!(choose_contract);
