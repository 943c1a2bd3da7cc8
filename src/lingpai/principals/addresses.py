"""Phone numbers and e-mail addresses: each has one spelling under which it is kept, compared and signed in with."""

import re
import unicodedata
from dataclasses import dataclass

from lingpai.vocabulary.arguments import Wrong
from lingpai.vocabulary.outcomes import Outcome, Refused

LONGEST = 320
"""Characters of an address, 64 and 255 beside the @ (RFC 5321, section 4.5.3.1): what is longer is not even read."""

_PHONE = re.compile(r"[+(]?[0-9][0-9 ().-]{3,24}")

_NO_PHONE: Wrong = ("不是电话号码", "is no phone number")
_NO_EMAIL: Wrong = ("不是邮箱地址", "is no e-mail address")


@dataclass(frozen=True, slots=True)
class Addresses:
    """
    How addresses are spelt here.

    Args:
        region: The country (ISO 3166, two letters) whose numbers are written without its code.

    """

    region: str = "CN"

    def phone(self, text: str) -> str | None:
        """
        Return the number in *text* as it is kept, or None where there is none.

        At home that is its digits as people dial them, from elsewhere E.164. Whether somebody has the number is
        not judged: new ranges are given out faster than any table of them.

        >>> Addresses().phone("+86 138-0013-8000"), Addresses().phone("+852 5123 4567"), Addresses().phone("mei")
        ('13800138000', '+85251234567', None)
        """
        text = _plain(text)
        if not _PHONE.fullmatch(text):
            return None
        # A twentieth of a second to import, which most processes never need.
        import phonenumbers

        try:
            number = phonenumbers.parse(text, self.region)
        except phonenumbers.NumberParseException:
            return None
        if not phonenumbers.is_possible_number(number):
            return None
        if number.country_code != phonenumbers.country_code_for_region(self.region):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        return re.sub("[^0-9]", "", national)

    def email(self, text: str) -> str | None:
        """
        Return the address in *text* as it is kept, or None where there is none. The network is not asked.

        In lower case: that two people share a host and differ in case alone is allowed, and nobody does it.

        >>> Addresses().email("Mei@Example.COM"), Addresses().email("mei")
        ('mei@example.com', None)
        """
        text = _plain(text)
        if "@" not in text:
            return None
        # As with phone numbers.
        from email_validator import EmailNotValidError, validate_email

        try:
            return validate_email(text, check_deliverability=False).normalized.lower()
        except EmailNotValidError:
            return None

    def check(self, phone: str, email: str) -> tuple[str, str]:
        """
        Return both as they are kept; an empty one stays empty.

        Raises:
            Refused: With ARGUMENT_BAD, naming each that is no address.

        """
        kept = {"phone": self.phone(phone) if phone else "", "email": self.email(email) if email else ""}
        wrong = {"phone": _NO_PHONE, "email": _NO_EMAIL}
        bad = {member: wrong[member] for member, value in kept.items() if value is None}
        if bad:
            raise Refused(Outcome.ARGUMENT_BAD, f"no address: {', '.join(bad)}", fields=bad)
        return kept["phone"] or "", kept["email"] or ""


def _plain(text: str) -> str:
    """Return *text* as NFKC spells it, without blanks around; nothing of what is too long for an address."""
    return unicodedata.normalize("NFKC", text).strip() if len(text) <= LONGEST else ""


AT_HOME = Addresses()
"""As they are spelt unless the settings say otherwise."""
