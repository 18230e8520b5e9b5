//! The types of the standard library, and UUIDs, as keys.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use super::{CacheKey, KeyText};

impl CacheKey for str {
    #[inline]
    fn write_key(&self, key: &mut KeyText) {
        key.text(self);
    }

    #[inline]
    fn plain(&self) -> Option<&str> {
        Some(self)
    }
}

/// Types that hand on to what they hold.
macro_rules! hands_on {
    ($($of:ty where [$($generics:tt)*]),+ $(,)?) => {$(
        impl<$($generics)*> CacheKey for $of {
            #[inline]
            fn write_key(&self, key: &mut KeyText) {
                (**self).write_key(key);
            }

            #[inline]
            fn plain(&self) -> Option<&str> {
                (**self).plain()
            }
        }
    )+};
}

hands_on!(
    String where [],
    &T where [T: CacheKey + ?Sized],
    &mut T where [T: CacheKey + ?Sized],
    Box<T> where [T: CacheKey + ?Sized],
    Rc<T> where [T: CacheKey + ?Sized],
    Arc<T> where [T: CacheKey + ?Sized],
    Cow<'_, T> where [T: CacheKey + ToOwned + ?Sized],
    Vec<T> where [T: CacheKey],
);

impl CacheKey for bool {
    #[inline]
    fn write_key(&self, key: &mut KeyText) {
        key.clean(if *self { "true" } else { "false" });
    }
}

impl CacheKey for char {
    #[inline]
    fn write_key(&self, key: &mut KeyText) {
        key.text(self.encode_utf8(&mut [0; 4]));
    }
}

macro_rules! integers {
    ($($integer:ty),+) => {$(
        impl CacheKey for $integer {
            #[inline]
            fn write_key(&self, key: &mut KeyText) {
                key.clean(itoa::Buffer::new().format(*self));
            }
        }
    )+};
}

integers!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

#[cfg(feature = "uuid")]
impl CacheKey for uuid::Uuid {
    #[inline]
    fn write_key(&self, key: &mut KeyText) {
        key.clean(self.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
    }
}

impl<T: CacheKey> CacheKey for Option<T> {
    fn write_key(&self, key: &mut KeyText) {
        match self {
            Some(value) => key.some(value),
            None => key.none(),
        }
    }

    fn plain(&self) -> Option<&str> {
        self.as_ref().and_then(CacheKey::plain)
    }
}

impl<T: CacheKey> CacheKey for [T] {
    fn write_key(&self, key: &mut KeyText) {
        for part in self {
            key.part(part);
        }
    }
}

impl<T: CacheKey, const N: usize> CacheKey for [T; N] {
    fn write_key(&self, key: &mut KeyText) {
        self.as_slice().write_key(key);
    }
}

/// There is but one, so it needs no text.
impl CacheKey for () {
    fn write_key(&self, key: &mut KeyText) {
        key.clean("");
    }

    fn plain(&self) -> Option<&str> {
        Some("")
    }
}

/// Just what it holds: there are always as many.
impl<A: CacheKey> CacheKey for (A,) {
    #[inline]
    fn write_key(&self, key: &mut KeyText) {
        self.0.write_key(key);
    }

    #[inline]
    fn plain(&self) -> Option<&str> {
        self.0.plain()
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),+)),+ $(,)?) => {$(
        impl<$($name: CacheKey),+> CacheKey for ($($name,)+) {
            fn write_key(&self, key: &mut KeyText) {
                $(key.part(&self.$index);)+
            }
        }
    )+};
}

tuples!(
    (A 0, B 1),
    (A 0, B 1, C 2),
    (A 0, B 1, C 2, D 3),
    (A 0, B 1, C 2, D 3, E 4),
    (A 0, B 1, C 2, D 3, E 4, F 5),
);
