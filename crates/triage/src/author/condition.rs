//! Conditions as authors write them: `bite.hand and (bite.gaping or not_ruled_out(bite.deep))`,
//! `2 of (a, b, c)`, `5 of (3 a, 2 b, c)` with weights. There is no word for "not", and the parser says so to whoever tries.

use crate::expr::Expr;

/// Reads a condition. A bare name is `present(name)`.
///
/// # Errors
/// Plain words on what is wrong.
pub fn parse(text: &str) -> Result<Expr<String>, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
    };
    let expr = parser.any()?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => Err(format!("unexpected {token}")),
    }
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut out: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in text.chars() {
        let word = c.is_ascii_alphanumeric() || c == '_' || c == '.';
        match (word, in_word, out.last_mut()) {
            (true, true, Some(last)) => last.push(c),
            (true, _, _) => out.push(c.to_string()),
            (false, _, _) if c.is_whitespace() => {}
            (false, _, _) if matches!(c, '(' | ')' | ',') => out.push(c.to_string()),
            (false, _, _) => return Err(format!("{c} is not part of the grammar; there is no negation")),
        }
        in_word = word;
    }
    Ok(out)
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn take(&mut self) -> Option<String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        match self.take() {
            Some(token) if token == wanted => Ok(()),
            Some(token) => Err(format!("expected {wanted}, found {token}")),
            None => Err(format!("expected {wanted} at the end")),
        }
    }

    fn any(&mut self) -> Result<Expr<String>, String> {
        let mut parts = vec![self.all()?];
        while self.peek() == Some("or") {
            self.at += 1;
            parts.push(self.all()?);
        }
        Ok(single(parts, Expr::Any))
    }

    fn all(&mut self) -> Result<Expr<String>, String> {
        let mut parts = vec![self.atom()?];
        while self.peek() == Some("and") {
            self.at += 1;
            parts.push(self.atom()?);
        }
        Ok(single(parts, Expr::All))
    }

    fn atom(&mut self) -> Result<Expr<String>, String> {
        let token = self.take().ok_or("the condition ends too early")?;
        match token.as_str() {
            "(" => {
                let inner = self.any()?;
                self.expect(")")?;
                Ok(inner)
            }
            "not_ruled_out" => {
                self.expect("(")?;
                let name = self.take().ok_or("a finding is missing")?;
                self.expect(")")?;
                Ok(Expr::NotRuledOut(finding(name)?))
            }
            "present" => {
                self.expect("(")?;
                let name = self.take().ok_or("a finding is missing")?;
                self.expect(")")?;
                Ok(Expr::Present(finding(name)?))
            }
            "not" | "absent" | "ruled_out" | "unless" | "except" => {
                Err(format!("{token} would be a negation, and the grammar has none"))
            }
            number if number.bytes().all(|b| b.is_ascii_digit()) => {
                let at_least = number.parse().map_err(|_| "the number is too large")?;
                self.expect("of")?;
                self.expect("(")?;
                let mut of = vec![(self.weight()?, self.any()?)];
                while self.peek() == Some(",") {
                    self.at += 1;
                    of.push((self.weight()?, self.any()?));
                }
                self.expect(")")?;
                // A sum that is always or never reached would be a constant.
                let most: u64 = of.iter().map(|(weight, _)| u64::from(*weight)).sum();
                match at_least > 0 && u64::from(at_least) <= most {
                    true => Ok(Expr::Score { at_least, of }),
                    false => Err(format!("{at_least} of {most} can never decide anything")),
                }
            }
            _ => Ok(Expr::Present(finding(token)?)),
        }
    }

    /// A number before a part of a sum is its weight; without one it weighs 1. None is below 1, so that no
    /// part can take away from the sum.
    fn weight(&mut self) -> Result<u32, String> {
        let number = self.peek().filter(|t| t.bytes().all(|b| b.is_ascii_digit()));
        let counts = self.tokens.get(self.at + 1).is_some_and(|t| t == "of");
        let Some(number) = number.filter(|_| !counts) else {
            return Ok(1);
        };
        let weight: u32 = number.parse().map_err(|_| "the weight is too large")?;
        self.at += 1;
        match weight {
            0 => Err("a weight of 0 counts for nothing".to_owned()),
            weight => Ok(weight),
        }
    }
}

fn finding(name: String) -> Result<String, String> {
    match name.contains('.') && name.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => Ok(name),
        false => Err(format!("{name} is not the name of a finding")),
    }
}

fn single(mut parts: Vec<Expr<String>>, many: fn(Vec<Expr<String>>) -> Expr<String>) -> Expr<String> {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_read_as_they_are_written() {
        let p = |s: &str| Expr::Present(s.to_owned());
        let expected = Expr::Any(vec![
            Expr::All(vec![p("a.b"), Expr::NotRuledOut("a.c".to_owned())]),
            Expr::Score {
                at_least: 1,
                of: vec![(1, p("a.d")), (1, p("a.e"))],
            },
        ]);
        assert_eq!(
            parse("a.b and not_ruled_out(a.c) or 1 of (a.d, a.e)"),
            Ok(expected)
        );
    }

    #[test]
    fn parts_of_a_sum_may_weigh_more() {
        let p = |s: &str| Expr::Present(s.to_owned());
        let expected = Expr::Score {
            at_least: 4,
            of: vec![
                (3, p("a.b")),
                (1, Expr::NotRuledOut("a.c".to_owned())),
                (
                    2,
                    Expr::Score {
                        at_least: 1,
                        of: vec![(1, p("a.d")), (1, p("a.e"))],
                    },
                ),
            ],
        };
        assert_eq!(
            parse("4 of (3 a.b, not_ruled_out(a.c), 2 (1 of (a.d, a.e)))"),
            Ok(expected)
        );
        for text in [
            "2 of (0 a.b, 2 a.c)",
            "5 of (2 a.b, 2 a.c)",
            "2 of (3)",
            "1 of (-1 a.b, a.c)",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_way_to_say_not_is_refused() {
        for text in [
            "not a.b",
            "!a.b",
            "~a.b",
            "a.b and not(a.c)",
            "ruled_out(a.b)",
            "absent(a.b)",
            "a.b - a.c",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["", "a.b and", "(a.b", "3 of (a.b)", "0 of (a.b)", "ab", "a.b a.c"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
