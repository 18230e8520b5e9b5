//! The monitoring page: one page of HTML that holds nothing itself. Its script asks for an admin's token, which stays in the
//! tab, and shows what `/api/v1/admin/queries` and `/api/v1/admin/advice` answer.
//!
//! Statements that ran are strangers' texts, so the script puts text into the page and never HTML, and the page's policy lets
//! nothing run or load but what stands in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("monitoring_page/page.css");
const SCRIPT: &str = include_str!("monitoring_page/page.js");

/// The page.
pub(crate) fn render() -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>AIOS Marketplace: monitoring</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n{BODY}<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// What the browser lets the page do: its own style and script, by their hashes, and questions to this server.
pub(crate) fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

const BODY: &str = r#"<header><h1>The database's work</h1><p id="state" role="status">Sign in to see it.</p>
<button id="again" type="button" hidden>Load again</button> <button id="out" type="button" hidden>Sign out</button></header>
<main>
<form id="sign-in"><label for="token">An admin's token, as <code>aios token --admin</code> prints it</label>
<input id="token" type="password" autocomplete="off" spellcheck="false" required> <button>Show</button></form>
<noscript><p>This page needs its script. The same is in <code>/api/v1/admin/queries</code> and <code>aios advise</code>.</p></noscript>
<section id="advice" hidden><h2>Advice</h2><p>Nothing is changed by itself: read the reason, then run the SQL.</p><div class="list"></div></section>
<section id="queries" hidden><h2>Costliest statements</h2><div class="list"></div></section>
<section id="routes" hidden><h2>Routes and jobs</h2><div class="list"></div></section>
<section id="repeats" hidden><h2>Repeated statements</h2><div class="list"></div></section>
</main>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing_and_lets_no_text_become_html() {
        let page = render();
        for outside in [
            "src=",
            "href=",
            "@import",
            "url(",
            " style=",
            " onclick=",
            "<link",
            "<img",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
        for unsafe_way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "localStorage",
        ] {
            assert!(!SCRIPT.contains(unsafe_way), "{unsafe_way}");
        }
    }

    #[test]
    fn what_the_policy_lets_run_is_what_stands_there() {
        let page = render();
        assert_eq!(
            (page.matches("<script>").count(), page.matches("<style>").count()),
            (1, 1)
        );
        assert!(!SCRIPT.contains("</script") && !STYLE.contains("</style"));
        let policy = policy();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
    }
}
