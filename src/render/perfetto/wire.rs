//! Protobuf's wire format, as much as a trace needs of it
//! (protobuf.dev/programming-guides/encoding).

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH_DELIMITED: u32 = 2;

/// A message in the making. Fields are named by their numbers.
#[derive(Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn uint(mut self, field: u32, value: u64) -> Message {
        self.tag(field, VARINT);
        self.varint(value);
        self
    }

    pub(super) fn int(self, field: u32, value: i64) -> Message {
        self.uint(field, value.cast_unsigned())
    }

    pub(super) fn double(mut self, field: u32, value: f64) -> Message {
        self.tag(field, FIXED64);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn text(self, field: u32, text: &str) -> Message {
        self.bytes(field, text.as_bytes())
    }

    pub(super) fn message(self, field: u32, inner: Message) -> Message {
        self.bytes(field, &inner.0)
    }

    fn bytes(mut self, field: u32, bytes: &[u8]) -> Message {
        self.tag(field, LENGTH_DELIMITED);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn tag(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the page named above.
    #[test]
    fn fields_are_encoded_as_the_specification_has_them() {
        assert_eq!(Message::default().uint(1, 150).as_bytes(), b"\x08\x96\x01");
        let text = Message::default().text(2, "testing");
        assert_eq!(text.as_bytes(), b"\x12\x07testing");
        let inner = Message::default().uint(1, 150);
        let outer = Message::default().message(3, inner);
        assert_eq!(outer.as_bytes(), b"\x1a\x03\x08\x96\x01");
        let minus_two = Message::default().int(1, -2);
        assert_eq!(
            minus_two.as_bytes(),
            b"\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
        );
        let half = Message::default().double(1, 0.5);
        assert_eq!(half.as_bytes(), b"\x09\0\0\0\0\0\0\xe0\x3f");
    }
}
