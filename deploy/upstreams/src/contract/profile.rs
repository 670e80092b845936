//! The profile service's contract.

use super::{
    Contract,
    call::{Call, For, NOT_FOUND, Refusal},
};
use crate::wire::{Member, MemberCard, MemberPatch};
use schemas::{
    ByIdentity, Credentials, EmailChange, EmailConfirmation, Items, Me, PasswordChange, PasswordReminder,
    PasswordReset, ResetCheck, ResetOwner, SignUp, TotpBegin, TotpCode, TotpConfirmed, TotpEnrolment,
};

const ENABLED: Refusal = (409, "totp_enabled", "The second factor is on already.");
const NOT_ENROLLED: Refusal = (409, "totp_not_enrolled", "No second factor was begun.");
const WRONG_CODE: Refusal = (422, "otp_invalid", "The code is wrong or was used.");
const WRONG_PASSWORD: Refusal =
    (401, "bad_credentials", "The password is wrong, or is missing where the account has one.");
const BAD_LINK: Refusal =
    (422, "token_invalid", "The token was used, is too old, is for something else, or was never good.");
const EMAIL_TAKEN: Refusal = (409, "email_taken", "Somebody has signed up with that address.");
const NO_RANDOMNESS: Refusal = (503, "no_randomness", "No random numbers can be had.");

pub(super) fn describe(contract: &mut Contract) -> &'static str {
    accounts(contract);
    passwords(contract);
    emails(contract);
    members(contract);
    second_factor(contract);
    super::deletion::describe(
        contract,
        "The member, with their password, second factor and identities at providers.",
    );
    "Members, and how they prove who they are."
}

fn accounts(contract: &mut Contract) {
    let (me, sign_up) = (contract.answer::<Me>(), contract.input::<SignUp>());
    contract.add(
        Call::post("/members", "signUp", "Make a member")
            .about("A link that confirms the address is mailed to it, where the service mails.")
            .made_for(For::Accounts)
            .mails()
            .takes(sign_up)
            .makes(me.clone(), "The member.")
            .refuses([EMAIL_TAKEN, (409, "username_taken", "Somebody has that user name.")]),
    );
    let credentials = contract.input::<Credentials>();
    contract.add(
        Call::post("/members/verify", "verify", "Whose credentials these are")
            .about("Takes the same time whether there is such an account or not.")
            .made_for(For::Accounts)
            .takes(credentials)
            .answers(me.clone(), "Whose they are.")
            .refuses([
                (401, "bad_credentials", "The login or the password is wrong."),
                (401, "otp_required", "A one-time code is needed as well."),
                (401, "otp_invalid", "The one-time code is wrong or was used."),
            ]),
    );
    let identity = contract.input::<ByIdentity>();
    contract.add(
        Call::put("/members/by-identity", "byIdentity", "Find or make the member behind an OpenID identity")
            .about("`issuer` and `subject` together say who it is, and nothing else: an address that somebody has already is not taken over. Where `totpEnabled` is true, the gateway asks for a code before it signs the member in, and has it checked by `verifyTotp`.")
            .made_for(For::Accounts)
            .takes(identity)
            .answers(me, "The member."),
    );
}

fn passwords(contract: &mut Contract) {
    let change = contract.input::<PasswordChange>();
    contract.add(
        Call::post("/members/me/password", "changePassword", "Change the password of the acting user")
            .about("Links for a new password that were mailed before are void. The gateway ends the member's other sign-ins.")
            .mails()
            .takes(change)
            .refuses([WRONG_PASSWORD, NOT_FOUND]),
    );
    let forgotten = contract.input::<PasswordReminder>();
    contract.add(
        Call::post("/members/password/forgot", "forgetPassword", "Mail a link for a new password")
            .about("To the member who has that address, if there is one: the answer and its time are the same for every address. The link is good for one use, for half an hour; it voids the one before. How often an address is mailed is limited.")
            .made_for(For::Accounts)
            .mails()
            .takes(forgotten)
            .accepts("Whoever has the address will be mailed."),
    );
    let (check, owner) = (contract.input::<ResetCheck>(), contract.answer::<ResetOwner>());
    contract.add(
        Call::post("/members/password/reset/check", "checkPasswordReset", "Say whose password a mailed token sets")
            .about(
                "The token stays good. So the gateway can put down whose sign-ins are to end before it asks for the new \
                 password.",
            )
            .made_for(For::Accounts)
            .takes(check)
            .answers(owner, "Whose it is.")
            .refuses([BAD_LINK]),
    );
    let (reset, me) = (contract.input::<PasswordReset>(), contract.answer::<Me>());
    contract.add(
        Call::post("/members/password/reset", "resetPassword", "Set a new password with a mailed token")
            .about(
                "Signs nobody in; a second factor stays on. The gateway ends all of the member's sign-ins.",
            )
            .made_for(For::Accounts)
            .mails()
            .takes(reset)
            .answers(me, "Whose password it is now.")
            .refuses([BAD_LINK]),
    );
}

fn emails(contract: &mut Contract) {
    let change = contract.input::<EmailChange>();
    contract.add(
        Call::post("/members/me/email", "changeEmail", "Mail a link that confirms another address")
            .about("The acting user's address stays what it is until the link is opened; the old address is told. Whether somebody else has the new one is not told here. The present address asks for another link to confirm it.")
            .mails()
            .takes(change)
            .accepts("The address will be mailed.")
            .refuses([WRONG_PASSWORD, NOT_FOUND]),
    );
    let (token, me) = (contract.input::<EmailConfirmation>(), contract.answer::<Me>());
    contract.add(
        Call::post("/members/email/confirm", "confirmEmail", "Confirm an address with a mailed token")
            .about("The address that the token was mailed to is the member's from now on; one before it is told.")
            .made_for(For::Accounts)
            .mails()
            .takes(token)
            .answers(me, "Whose address it is now.")
            .refuses([BAD_LINK, EMAIL_TAKEN]),
    );
}

fn members(contract: &mut Contract) {
    let cards = contract.list_of::<Items<MemberCard>, MemberCard>("MemberCards");
    contract.add(
        Call::get("/members", "memberCards", "The cards of some members")
            .made_for(For::Nobody)
            .by_ids()
            .answers(cards, "Those that are known, in any order."),
    );
    let member = contract.answer::<Member>();
    contract.add(
        Call::get("/members/{id}", "member", "A member as everybody sees them")
            .made_for(For::Anyone)
            .answers(member, "The member.")
            .refuses([NOT_FOUND]),
    );
    let (me, patch) = (contract.answer::<Me>(), contract.input::<MemberPatch>());
    contract.add(
        Call::get("/members/me", "me", "The acting user as they see themselves")
            .answers(me.clone(), "They.")
            .refuses([NOT_FOUND]),
    );
    contract.add(
        Call::patch("/members/me", "patchMe", "Change the acting user")
            .about("What is absent stays as it is. An empty `bio` takes it away. `avatarKey` is the key of an uploaded file; null takes it away.")
            .takes(patch)
            .answers(me, "They, changed.")
            .refuses([NOT_FOUND]),
    );
}

fn second_factor(contract: &mut Contract) {
    let (begun, code) = (contract.answer::<TotpEnrolment>(), contract.input::<TotpCode>());
    let begin = contract.input::<TotpBegin>();
    contract.add(
        Call::post("/members/me/totp", "enrolTotp", "Begin a second factor")
            .about("It counts once it is confirmed; a secret from before is forgotten. With the password, if the member has one. Where this takes no body, the gateway has the password checked by `verify` first.")
            .takes(begin)
            .answers(begun, "The secret, and the same as a URI for authenticator apps.")
            .refuses([WRONG_PASSWORD, ENABLED, NOT_FOUND, NO_RANDOMNESS]),
    );
    let confirmed = contract.answer::<TotpConfirmed>();
    contract.add(
        Call::post(
            "/members/me/totp/confirm",
            "confirmTotp",
            "Switch the second factor on with its first code",
        )
        .takes(code.clone())
        .answers(confirmed, "The recovery codes, this once.")
        .refuses([ENABLED, NOT_ENROLLED, WRONG_CODE, NOT_FOUND, NO_RANDOMNESS]),
    );
    contract.add(
        Call::post("/members/me/totp/verify", "verifyTotp", "Check a code of the acting user's second factor")
            .about("For a sign-in through a provider, which no password is part of. With a one-time or a recovery code, which is used up. A service that lacks this call answers 404 or 405: its members with a second factor then cannot sign in through a provider.")
            .takes(code.clone())
            .refuses([NOT_ENROLLED, WRONG_CODE, NOT_FOUND]),
    );
    contract.add(
        Call::delete("/members/me/totp", "removeTotp", "Switch the second factor off")
            .about("With a one-time or a recovery code.")
            .takes(code)
            .refuses([NOT_ENROLLED, WRONG_CODE, NOT_FOUND]),
    );
}
