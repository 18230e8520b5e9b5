//! PostgreSQL's version, as its programs print it.

/// The oldest major version that the marketplace supports.
pub(crate) const OLDEST_SUPPORTED: u32 = 14;

/// The major version in the output of `postgres --version`, such as `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`.
pub(crate) fn major(output: &str) -> Option<u32> {
    let (_, version) = output.split_once("(PostgreSQL)")?;
    let digits: String = version.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn majors_of_real_servers() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 9.6.24\n"), Some(9));
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 19devel\n"), Some(19));
    }

    #[test]
    fn something_else_has_none() {
        assert_eq!(major(""), None);
        assert_eq!(major("postgres (PostgreSQL)"), None);
        assert_eq!(major("mysqld  Ver 8.0.36"), None);
    }
}
