//! Files for people: one plain document, written as PDF, XLSX, CSV or XML. What stands in it is others' matter.

pub mod document;
pub mod pdf;
mod tables;
mod tags;

pub use tables::{csv, xlsx, xml};
