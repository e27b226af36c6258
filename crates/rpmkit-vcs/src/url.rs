//! URLs without what is nobody's business.

/// A URL fit for a message.
pub(crate) fn without_secret(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            // Only URLs without a host refuse, and those have no password.
            let _ = parsed.set_password(Some("***"));
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

/// A URL without the name and password in it, as it is sent.
pub(crate) fn without_user(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
            // Only URLs without a host refuse, and those have neither.
            let _ = parsed.set_username("");
            let _ = parsed.set_password(None);
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(without_secret("https://a:b@c/d"), "https://a:***@c/d");
        assert_eq!(without_secret("https://a@c/d"), "https://a@c/d");
    }
}
