//! Narrative: the small part of XHTML that FHIR allows, and nothing that could run.

/// Sorted, as is the next list: both are searched by halves.
#[rustfmt::skip]
const ELEMENTS: &[&str] = &[
    "a", "abbr", "acronym", "address", "b", "bdo", "big", "blockquote", "br", "caption", "center",
    "cite", "code", "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "font", "h1", "h2",
    "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "ol", "p", "pre", "q", "s", "samp", "small",
    "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
    "tt", "u", "ul", "var",
];

/// None of them runs anything; an address is looked at besides.
#[rustfmt::skip]
const ATTRIBUTES: &[&str] = &[
    "abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellhalign", "cellpadding",
    "cellspacing", "cellvalign", "char", "charoff", "charset", "cite", "class", "clear", "color",
    "colspan", "compact", "coords", "datetime", "dir", "face", "frame", "headers", "height", "href",
    "hreflang", "hspace", "id", "lang", "longdesc", "name", "noshade", "nowrap", "rel", "rev",
    "rowspan", "rules", "scope", "shape", "size", "span", "src", "start", "style", "summary",
    "tabindex", "title", "type", "valign", "value", "vspace", "width", "xml:lang", "xml:space", "xmlns",
];

/// Whether a narrative is one well-formed `<div>` of allowed elements with some content (txt-1).
pub(crate) fn is_safe_div(text: &str) -> bool {
    read(text).is_some()
}

fn read(text: &str) -> Option<()> {
    let mut rest = text.trim();
    let mut open: Vec<&str> = Vec::new();
    let mut content = false;
    let mut first = true;
    while !rest.is_empty() {
        let Some(tag) = rest.strip_prefix('<') else {
            let end = rest.find('<').unwrap_or(rest.len());
            let (words, after) = rest.split_at(end);
            if open.is_empty() || !entities_closed(words) {
                return None;
            }
            content |= !words.trim().is_empty();
            rest = after;
            continue;
        };
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->")?.1;
            continue;
        }
        if let Some(closing) = tag.strip_prefix('/') {
            let (name, after) = closing.split_once('>')?;
            if open.pop()? != name.trim_end() {
                return None;
            }
            rest = after;
            continue;
        }
        let end = tag.find(|c: char| !c.is_ascii_alphanumeric())?;
        let (name, after) = tag.split_at(end);
        if !listed(ELEMENTS, name) || (open.is_empty() && (!first || name != "div")) {
            return None;
        }
        first = false;
        // The definition asks for visible text (txt-2), but an official example has an empty `pre`.
        content |= !open.is_empty();
        let (closed, after) = attributes(after)?;
        if !closed {
            open.push(name);
        }
        rest = after;
    }
    (open.is_empty() && content).then_some(())
}

/// Reads attributes up to the tag's end; tells whether the tag closes itself.
fn attributes(mut rest: &str) -> Option<(bool, &str)> {
    loop {
        let trimmed = rest.trim_start();
        if let Some(after) = trimmed.strip_prefix("/>") {
            return Some((true, after));
        }
        if let Some(after) = trimmed.strip_prefix('>') {
            return Some((false, after));
        }
        // White space must stand before an attribute.
        if trimmed.len() == rest.len() {
            return None;
        }
        let (name, value) = trimmed.split_once('=')?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = value.get(1..)?.split_once(quote)?;
        let name = name.trim_end();
        if !listed(ATTRIBUTES, name) || value.contains('<') || !entities_closed(value) {
            return None;
        }
        if matches!(name, "href" | "src" | "cite" | "longdesc") && !harmless_address(value) {
            return None;
        }
        rest = after;
    }
}

/// Only schemes that fetch or point, never one that runs. An entity could hide the scheme.
fn harmless_address(value: &str) -> bool {
    let head = value.split(['/', '?', '#']).next().unwrap_or_default();
    match head.split_once(':') {
        None => !head.contains('&'),
        Some((scheme, rest)) => match scheme.trim().to_ascii_lowercase().as_str() {
            "http" | "https" | "mailto" | "tel" | "urn" | "ftp" | "cid" => true,
            "data" => rest.trim_start().starts_with("image"),
            _ => false,
        },
    }
}

fn listed(list: &[&str], name: &str) -> bool {
    list.binary_search(&name).is_ok()
}

/// Every `&` starts an entity that ends with `;`.
fn entities_closed(text: &str) -> bool {
    text.split('&').skip(1).all(|part| {
        part.split_once(';').is_some_and(|(name, _)| {
            let digits = name.strip_prefix('#').unwrap_or(name);
            !digits.is_empty() && digits.len() <= 32 && digits.bytes().all(|b| b.is_ascii_alphanumeric())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        assert!(ELEMENTS.is_sorted());
        assert!(ATTRIBUTES.is_sorted());
    }

    #[test]
    fn plain_narrative_is_accepted() {
        for text in [
            "<div xmlns=\"http://www.w3.org/1999/xhtml\">hello</div>",
            " <div><p>a &amp; b &#160; &lt;</p><br/><img src='#pic' alt=\"x\" /></div>\n",
            "<div><a href=\"https://example.org/a?b\">x</a><!-- <b> --></div>",
            "<div><img src=\"data:image/png;base64,AAAA\"/></div>",
        ] {
            assert!(is_safe_div(text), "{text}");
        }
    }

    #[test]
    fn what_could_run_or_is_not_closed_is_refused() {
        for text in [
            "",
            "hello",
            "<p>x</p>",
            "<div/>",
            "<div></div>",
            "<div> </div>",
            "<div>x",
            "<div>x</p></div>",
            "<div>x</div><div>y</div>",
            "<div>x</div> y",
            "<div><script>x</script></div>",
            "<div onclick=\"x()\">x</div>",
            "<div><a href=\"javascript:x()\">x</a></div>",
            "<div><a href=\"&#106;avascript:x()\">x</a></div>",
            "<div><a href=\" JavaScript:x\">x</a></div>",
            "<div class=x>x</div>",
            "<div>a & b</div>",
            "<div><iframe src=\"#\"/>x</div>",
            "<div",
            "<div>x<b",
            "<div><img src=\"data:text/html,x\"/></div>",
            "<divx>x</divx>",
        ] {
            assert!(!is_safe_div(text), "{text}");
        }
    }
}
