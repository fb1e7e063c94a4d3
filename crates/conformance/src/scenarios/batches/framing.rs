//! The framing of snappy-java around compressed blocks.

/// Returns the header of snappy-java, with its version and the oldest version that can read it.
pub(super) fn head(version: i32, compatible: i32) -> Vec<u8> {
    [b"\x82SNAPPY\0", &version.to_be_bytes()[..], &compatible.to_be_bytes()].concat()
}

pub(super) fn raw(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).expect("a batch fits into a block")
}

/// Makes a block after a length that is wrong by `by`.
pub(super) fn block(bytes: &[u8], by: i32) -> Vec<u8> {
    let bytes = raw(bytes);
    [&(bytes.len() as i32 + by).to_be_bytes()[..], &bytes].concat()
}

/// Frames blocks as snappy-java does.
pub(super) fn framed(blocks: &[&[u8]]) -> Vec<u8> {
    let blocks = blocks.iter().map(|it| block(it, 0)).collect::<Vec<_>>().concat();
    [head(1, 1), blocks].concat()
}

/// Returns the content of framed blocks; bytes without a frame are one block.
pub(super) fn unframed(bytes: &[u8]) -> Option<Vec<u8>> {
    let Some(mut rest) = bytes.strip_prefix(&b"\x82SNAPPY\0"[..]).and_then(|it| it.get(8..)) else {
        return snap::raw::Decoder::new().decompress_vec(bytes).ok();
    };
    let mut records = Vec::new();
    while let Some((length, blocks)) = rest.split_first_chunk::<4>() {
        let (block, behind) = blocks.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        records.extend(snap::raw::Decoder::new().decompress_vec(block).ok()?);
        rest = behind;
    }
    Some(records)
}
