//! From an interaction of the blocking domain to its contract.

use crate::contracts::contract::choose_contract;

crate::messages::generated::blocking_contracts!(choose_contract);
