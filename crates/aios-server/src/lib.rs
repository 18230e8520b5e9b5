//! The binary aios: command line, configuration and wiring.
