//! From an interaction of the log domain to its contract.

use crate::contracts::contract::choose_contract;

crate::messages::generated::log_contracts!(choose_contract);
