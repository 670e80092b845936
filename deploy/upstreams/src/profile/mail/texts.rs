//! What mail says, in each language. Nothing that somebody has typed in is in it.

use super::{Kind, Locale};

/// Subject and text of a mail; `{site}`, `{link}` and `{minutes}` stand for what differs.
pub(super) fn of(kind: Kind, locale: Locale) -> (&'static str, &'static str) {
    match locale {
        Locale::English => english(kind),
        Locale::Korean => korean(kind),
    }
}

const fn english(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::ConfirmEmail => (
            "{site}: confirm your e-mail address",
            "Hello,\n\nplease confirm that this e-mail address is yours:\n\n{link}\n\nThe link works once, within \
             {minutes} minutes. If you did not ask for it, ignore this mail: nothing changes.\n",
        ),
        Kind::ResetPassword => (
            "{site}: set a new password",
            "Hello,\n\nsomebody asked for a new password for your account. Set one here:\n\n{link}\n\nThe link works once, \
             within {minutes} minutes. If it was not you, ignore this mail: your password stays as it is.\n",
        ),
        Kind::PasswordChanged => (
            "{site}: your password was changed",
            "Hello,\n\nthe password of your account was changed, and all other devices were signed out.\n\nIf it was not \
             you, set a new password at once: choose \"Forgotten password\" on the sign-in page.\n",
        ),
        Kind::EmailChangeAsked => (
            "{site}: a new e-mail address was asked for",
            "Hello,\n\nsomebody who knows your password asked to replace this e-mail address with another one. It is \
             replaced once the other address is confirmed.\n\nIf it was not you, change your password now: that also stops \
             the replacement.\n",
        ),
        Kind::EmailChanged => (
            "{site}: your e-mail address was changed",
            "Hello,\n\nyour account has another e-mail address now, and mail about it no longer comes here.\n\nIf it was \
             not you, write to us at once.\n",
        ),
    }
}

const fn korean(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::ConfirmEmail => (
            "{site}: 이메일 주소를 확인해 주세요",
            "안녕하세요.\n\n이 이메일 주소가 본인의 것인지 아래 링크에서 확인해 주세요.\n\n{link}\n\n링크는 {minutes}분 안에 한 \
             번만 쓸 수 있습니다. 직접 요청하지 않았다면 이 메일을 무시하세요. 아무것도 바뀌지 않습니다.\n",
        ),
        Kind::ResetPassword => (
            "{site}: 새 비밀번호 설정",
            "안녕하세요.\n\n계정의 새 비밀번호 설정이 요청되었습니다. 아래 링크에서 설정하세요.\n\n{link}\n\n링크는 {minutes}분 \
             안에 한 번만 쓸 수 있습니다. 직접 요청하지 않았다면 이 메일을 무시하세요. 비밀번호는 그대로입니다.\n",
        ),
        Kind::PasswordChanged => (
            "{site}: 비밀번호가 변경되었습니다",
            "안녕하세요.\n\n계정의 비밀번호가 변경되었고, 다른 모든 기기에서 로그아웃되었습니다.\n\n직접 변경하지 않았다면 로그인 \
             화면의 \"비밀번호 찾기\"에서 바로 새 비밀번호를 설정하세요.\n",
        ),
        Kind::EmailChangeAsked => (
            "{site}: 이메일 주소 변경이 요청되었습니다",
            "안녕하세요.\n\n비밀번호를 아는 누군가가 이 이메일 주소를 다른 주소로 바꾸도록 요청했습니다. 새 주소가 확인되면 \
             변경됩니다.\n\n직접 요청하지 않았다면 지금 비밀번호를 변경하세요. 그러면 주소 변경도 취소됩니다.\n",
        ),
        Kind::EmailChanged => (
            "{site}: 이메일 주소가 변경되었습니다",
            "안녕하세요.\n\n계정의 이메일 주소가 변경되어, 앞으로 이 주소로는 메일을 보내지 않습니다.\n\n직접 변경하지 않았다면 \
             바로 저희에게 알려 주세요.\n",
        ),
    }
}
