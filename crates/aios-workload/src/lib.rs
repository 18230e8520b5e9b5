//! What the service's database is tested and measured with: a believable data set of any size, and the catalogue of every
//! query of the service. No part of the service.

pub mod catalogue;
pub mod indexes;
pub mod plan;
pub mod seed;
