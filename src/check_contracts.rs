//! `sigill check-contracts`: our schemas and WSDLs against the official package.
