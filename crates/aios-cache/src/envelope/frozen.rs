//! Entries of every released format, as files: they must be readable for ever.
