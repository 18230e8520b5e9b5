//! The HTTP interface: routes, wire types, problem details, OpenAPI.
