//! From an interaction of the consent domain to its contract.

use crate::contracts::contract::choose_contract;

crate::messages::generated::consent_contracts!(choose_contract);
