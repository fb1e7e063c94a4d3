//! Splits a Protobuf file into characters and words.
//!
//! The words are those of Square's wire: letters, digits, `_`, `-`, and `.` in any order. Whether a
//! word is a name or a number is decided later.

use std::str::Chars;

/// A result whose error is the problem and its position.
pub(super) type Result<T> = std::result::Result<T, String>;

pub(super) struct Scanner<'a> {
    text: &'a str,
    rest: Chars<'a>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Scanner { text, rest: text.chars() }
    }

    /// Makes an error at this position.
    pub(super) fn error<T>(&self, problem: &str) -> Result<T> {
        let read = &self.text[..self.text.len() - self.rest.as_str().len()];
        let line = read.matches('\n').count() + 1;
        let column = read.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Err(format!("line {line}, column {column}: {problem}"))
    }

    /// Skips white space and comments.
    pub(super) fn skip(&mut self) -> Result<()> {
        loop {
            match self.rest.clone().next() {
                Some(' ' | '\t' | '\r' | '\n') => {
                    self.rest.next();
                }
                Some('/') => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) -> Result<()> {
        let rest = self.rest.as_str();
        let length = if rest.starts_with("//") {
            rest.find('\n').map_or(rest.len(), |end| end + 1)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            match comment.find("*/") {
                Some(end) => end + 4,
                None => return self.error("the comment does not end"),
            }
        } else {
            return self.error("unexpected /");
        };
        self.rest = rest[length..].chars();
        Ok(())
    }

    /// Skips a comment after a declaration on the same line. After a comment in stars, the line
    /// must end.
    pub(super) fn trailing(&mut self) -> Result<()> {
        let blank = |it: char| it == ' ' || it == '\t';
        let rest = self.rest.as_str().trim_start_matches(blank);
        if !rest.starts_with('/') {
            return Ok(());
        }
        self.rest = rest.chars();
        let in_stars = rest.starts_with("/*");
        self.comment()?;
        let rest = self.rest.as_str().trim_start_matches(blank);
        if in_stars && !rest.is_empty() && !rest.starts_with('\n') {
            return self.error("no syntax may follow trailing comment");
        }
        Ok(())
    }

    pub(super) fn is_at_end(&mut self) -> Result<bool> {
        self.skip()?;
        Ok(self.rest.as_str().is_empty())
    }

    /// Returns the next character without consuming it.
    pub(super) fn peek(&mut self) -> Result<char> {
        self.skip()?;
        match self.rest.clone().next() {
            Some(character) => Ok(character),
            None => self.error("unexpected end of the file"),
        }
    }

    pub(super) fn read(&mut self) -> Result<char> {
        let character = self.peek()?;
        self.rest.next();
        Ok(character)
    }

    /// Consumes this character if it is next.
    pub(super) fn take(&mut self, character: char) -> Result<bool> {
        let is_next = self.peek()? == character;
        if is_next {
            self.rest.next();
        }
        Ok(is_next)
    }

    pub(super) fn require(&mut self, character: char) -> Result<()> {
        if self.take(character)? {
            return Ok(());
        }
        let found = self.peek()?;
        self.error(&format!("expected '{character}' but was '{found}'"))
    }

    pub(super) fn word(&mut self) -> Result<&'a str> {
        self.skip()?;
        let rest = self.rest.as_str();
        let is_part = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-' | b'.');
        let length = rest.bytes().take_while(|it| is_part(*it)).count();
        if length == 0 {
            return self.error("expected a word");
        }
        let (word, rest) = rest.split_at(length);
        self.rest = rest.chars();
        Ok(word)
    }

    /// Reads a word that does not begin with a digit.
    pub(super) fn identifier(&mut self) -> Result<&'a str> {
        self.skip()?;
        let start = self.rest.clone();
        let word = self.word()?;
        if word.starts_with(|it: char| it.is_ascii_digit()) {
            self.rest = start;
            return self.error("names of fields and values cannot start with a digit");
        }
        Ok(word)
    }

    /// Reads a name, which can be in parentheses or brackets.
    pub(super) fn name(&mut self) -> Result<&'a str> {
        let close = match self.peek()? {
            '(' => ')',
            '[' => ']',
            _ => return self.word(),
        };
        self.rest.next();
        let word = self.word()?;
        self.require(close)?;
        Ok(word)
    }

    pub(super) fn integer(&mut self) -> Result<i32> {
        let word = self.word()?;
        let hexadecimal = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let parsed = match hexadecimal {
            Some(digits) => i32::from_str_radix(digits, 16),
            None => word.parse(),
        };
        match parsed {
            Ok(number) => Ok(number),
            Err(_) => self.error(&format!("expected an integer but was {word}")),
        }
    }

    /// Reads a string in quotes, or several adjacent ones, which form one string.
    pub(super) fn quoted(&mut self) -> Result<String> {
        let mut quote = self.read()?;
        if quote != '"' && quote != '\'' {
            return self.error("expected a string in quotes");
        }
        let mut string = String::new();
        loop {
            match self.rest.next() {
                None => return self.error("the string does not end"),
                Some(character) if character == quote => {
                    if !matches!(self.peek()?, '"' | '\'') {
                        return Ok(string);
                    }
                    quote = self.read()?;
                }
                Some('\\') => {
                    let character = self.escaped()?;
                    string.push(character);
                }
                Some(character) => string.push(character),
            }
        }
    }

    fn escaped(&mut self) -> Result<char> {
        let Some(character) = self.rest.clone().next() else {
            return self.error("the string does not end");
        };
        let (radix, most) = match character {
            'x' | 'X' => (16, 2),
            '0'..='7' => (8, 3),
            _ => {
                self.rest.next();
                return Ok(match character {
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\u{b}',
                    other => other,
                });
            }
        };
        if radix == 16 {
            self.rest.next();
        }
        let digits: String =
            self.rest.as_str().chars().take(most).take_while(|it| it.is_digit(radix)).collect();
        let Ok(code) = u32::from_str_radix(&digits, radix) else {
            return self.error("expected a digit after \\x");
        };
        for _ in 0..digits.len() {
            self.rest.next();
        }
        match char::from_u32(code) {
            Some(character) => Ok(character),
            None => self.error("no character has that number"),
        }
    }
}
