//! What the tests of several crates share: databases, servers, statement counts.
