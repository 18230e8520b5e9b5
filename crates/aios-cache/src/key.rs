//! Keys: from whatever names a value to text that no other input shares.
