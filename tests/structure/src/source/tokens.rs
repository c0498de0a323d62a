//! What can be known of code that the parser leaves as tokens: the arguments of macros and of attributes.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{Attribute, Meta, punctuated::Punctuated, token::Comma};

/// Every identifier in a stream of tokens.
pub(crate) fn identifiers(tokens: TokenStream, found: &mut impl FnMut(String)) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => found(plain(&ident)),
            TokenTree::Group(group) => identifiers(group.stream(), found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// An identifier without the sign of a raw one.
pub(crate) fn plain(ident: &proc_macro2::Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map(str::to_owned).unwrap_or(text)
}

/// Every path in a stream of tokens: `a::b::c`, a type's name, or the name of what is called.
pub(super) fn paths(tokens: TokenStream, found: &mut impl FnMut(Vec<String>)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    let mut after_dot = false;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Ident(first) => {
                let mut path = vec![plain(first)];
                at += 1;
                while let (
                    Some(TokenTree::Punct(a)),
                    Some(TokenTree::Punct(b)),
                    Some(TokenTree::Ident(next)),
                ) = (tokens.get(at), tokens.get(at + 1), tokens.get(at + 2))
                {
                    if a.as_char() != ':' || b.as_char() != ':' {
                        break;
                    }
                    path.push(plain(next));
                    at += 3;
                }
                let called = match tokens.get(at) {
                    Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
                    Some(TokenTree::Punct(punct)) => punct.as_char() == '!',
                    _ => false,
                };
                if !after_dot && (path.len() > 1 || called || is_type(&path)) {
                    found(path);
                }
                after_dot = false;
                continue;
            }
            TokenTree::Group(group) => paths(group.stream(), found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        after_dot = matches!(token, TokenTree::Punct(punct) if punct.as_char() == '.');
        at += 1;
    }
}

/// True for a single name in upper case, as types and constants have it.
pub(super) fn is_type(path: &[String]) -> bool {
    matches!(path, [name] if name.starts_with(|first: char| first.is_uppercase()))
}

/// Members of serde's attributes whose value is a path in a string.
const PATHS_IN_STRINGS: [&str; 8] = [
    "with",
    "default",
    "serialize_with",
    "deserialize_with",
    "skip_serializing_if",
    "from",
    "into",
    "try_from",
];

/// The paths in an attribute: those that are written out, and those that serde takes as strings.
pub(super) fn attribute_paths(attribute: &Attribute, found: &mut impl FnMut(Vec<String>)) {
    let path: Vec<String> = attribute.path().segments.iter().map(|segment| plain(&segment.ident)).collect();
    if path.len() > 1 {
        found(path);
    }
    let Meta::List(list) = &attribute.meta else { return };
    paths(list.tokens.clone(), &mut |path| {
        if path.len() > 1 || is_type(&path) {
            found(path);
        }
    });
    if !list.path.is_ident("serde") {
        return;
    }
    let tokens: Vec<TokenTree> = list.tokens.clone().into_iter().collect();
    for three in tokens.windows(3) {
        let [TokenTree::Ident(member), TokenTree::Punct(_), TokenTree::Literal(value)] = three else {
            continue;
        };
        if PATHS_IN_STRINGS.contains(&member.to_string().as_str()) {
            found(
                value.to_string().trim_matches('"').split("::").map(|part| part.trim().to_owned()).collect(),
            );
        }
    }
}

/// True for what is built for tests alone.
pub(super) fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            syn::parse2(list.tokens.clone()).is_ok_and(|condition: Meta| needs_tests(&condition))
        }
        _ => false,
    })
}

fn needs_tests(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) => {
            let inner = list.parse_args_with(Punctuated::<Meta, Comma>::parse_terminated).unwrap_or_default();
            if list.path.is_ident("all") {
                inner.iter().any(needs_tests)
            } else {
                list.path.is_ident("any") && !inner.is_empty() && inner.iter().all(needs_tests)
            }
        }
        Meta::NameValue(_) => false,
    }
}
