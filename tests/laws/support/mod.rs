//! What the laws share.

pub(crate) mod cases;
pub(crate) mod compare;
pub(crate) mod graphs;
pub(crate) mod laws;
pub(crate) mod message;
pub(crate) mod networks;
pub(crate) mod plain;
pub(crate) mod reference;
