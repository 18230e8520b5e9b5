//! Types, rules and errors of the marketplace, without I/O.
