//! Which part of the screen holds what, for every size of a terminal?
//!
//! ```text
//!  100 columns and more        fewer columns           few lines
//!  +---------------------+     +-------------+         +-------------+
//!  | header              |     | header      |         | header      |
//!  | tree     | detail   |     | tree        |         | tree, or    |
//!  |          |          |     |-------------|         |      detail |
//!  |          |          |     | detail      |         | status      |
//!  | status              |     | status      |         +-------------+
//!  | keys                |     | keys        |
//!  +---------------------+     +-------------+
//! ```

use ratatui::layout::{Rect, Size};

/// The smallest screen that is drawn on.
pub(super) const MIN_SIZE: Size = Size { width: 20, height: 5 };

/// Where things are. A part with no room has no height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Areas {
    /// The run as a whole.
    pub(super) header: Rect,
    /// The tree; with its neighbour, where logs are.
    pub(super) tree: Rect,
    /// The line between tree and detail.
    pub(super) border: Rect,
    /// The detail of the selected node.
    pub(super) detail: Rect,
    /// Tree and detail.
    pub(super) body: Rect,
    /// What just happened.
    pub(super) status: Rect,
    /// The keys that are used most.
    pub(super) keys: Rect,
}

/// Divides the screen; `reads_detail` says which one is shown if there is room for one only.
pub(super) fn areas(size: Size, reads_detail: bool) -> Areas {
    let Size { width, height } = size;
    let header_height = if height >= 14 { 2 } else { 1 };
    let footer_height = if height >= 10 { 2 } else { 1 };
    let body_height = height.saturating_sub(header_height + footer_height);
    let line = |y: u16, height: u16| Rect { x: 0, y, width, height };
    let body = line(header_height, body_height);
    let status = line(header_height + body_height, 1);
    let keys = line(status.y + 1, footer_height - 1);
    let areas = Areas { header: line(0, header_height), body, status, keys, ..Areas::default() };
    if width >= 100 {
        let left = width * 11 / 20;
        let tree = Rect { width: left - 1, ..body };
        let border = Rect { x: left, width: 1, ..body };
        let detail = Rect { x: left + 2, width: width - left - 2, ..body };
        return Areas { tree, border, detail, ..areas };
    }
    if body_height >= 14 {
        let below = body_height * 2 / 5;
        let tree = Rect { height: body_height - below - 1, ..body };
        let border = Rect { y: body.y + tree.height, height: 1, ..body };
        let detail = Rect { y: border.y + 1, height: below, ..body };
        return Areas { tree, border, detail, ..areas };
    }
    if reads_detail { Areas { detail: body, ..areas } } else { Areas { tree: body, ..areas } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_on_the_screen_and_none_overlap() {
        for width in MIN_SIZE.width..220 {
            for height in MIN_SIZE.height..70 {
                for reads_detail in [false, true] {
                    let screen = Rect { x: 0, y: 0, width, height };
                    let Areas { header, tree, border, detail, body: _, status, keys } =
                        areas(Size { width, height }, reads_detail);
                    let parts = [header, tree, border, detail, status, keys];
                    for (position, part) in parts.iter().enumerate() {
                        assert_eq!(screen.union(*part), screen, "{width}x{height} {part:?}");
                        for other in parts.iter().skip(position + 1) {
                            let common = part.intersection(*other);
                            assert!(common.is_empty(), "{width}x{height}: {part:?} {other:?}");
                        }
                    }
                    assert!(tree.height + detail.height > 0);
                }
            }
        }
    }
}
