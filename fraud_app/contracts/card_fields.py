"""What the name of a field says of its value: card data, an identifier, or nothing.

Names are compared as words, whatever their case, separators, accents and width: `cardNumber`,
`CARD NUMBER`, `card-number` and `{"card": {"number": …}}` are one.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum, auto
from functools import lru_cache


class Kind(Enum):
    CARD_DATA = auto()
    """By its name a card's number, security code, track or PIN block, whatever the value is."""
    SHORT_CODE = auto()
    """A security code if the value is one: three or four digits."""
    IDENTIFIER = auto()
    """An id, code, phone number, time or amount, where digits are usual."""
    TEXT = auto()
    """Anything else; also what is said to be a card."""


SHORT = 64
"""Letters of a name that are looked at: no name of card data is longer."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NUMBER = (
    "cardnumber cardnumbers cardnum cardno cardnr cardnbr cardnumero cardpan ccnumber ccnum ccno "
    "ccnr ccnbr pannumber panno "
    "primaryaccountnumber kartennummer kartennr kartnummer kortnummer kaartnummer "
    "numerocarte numerodecarte numerocartebancaire cartenumero numerotarjeta numerodetarjeta "
    "tarjetanumero numerocartao numerodocartao cartaonumero numerocarta numerodellacarta "
    "numerkarty cislokarty kartnumarasi номеркарты 卡号 银行卡号 カード番号 카드번호"
)
_SECURITY_CODE = (
    "cvv cvvs ccv cvc cvcs cvn cvd cvx cav csc csccode cvvcode ccvcode "
    "cvccode cvncode cvdcode cvvnumber ccvnumber cvcnumber cvnnumber cvdnumber cvvno cvcno "
    "cvvvalue cvcvalue cvdvalue securitycode cardcode cardcid amexcid cardsecurity cardseccode "
    "cardsecuritynumber "
    "verificationvalue cardverification cardverificationcode cardverificationnumber "
    "cardverificationdata cardvalidationcode cardvalidationvalue cardvalidationnumber "
    "cardidentificationnumber cardauthenticationvalue "
    "kartenprufnummer kartenpruefnummer kartenprufziffer sicherheitscode sicherheitsnummer "
    "cryptogramme cryptogrammevisuel codesecurite codedesecurite codigoseguridad "
    "codigodeseguridad codigoseguranca codigodeseguranca codicesicurezza codicedisicurezza "
    "kodbezpieczenstwa guvenlikkodu кодбезопасности 安全码 セキュリティコード"
)
_TRACK_AND_PIN = (
    "trackdata trackequivalentdata magstripe magstripedata magneticstripe "
    "magneticstripedata pinblock cardpin"
)
_ENDINGS = tuple(f"{_NUMBER} {_SECURITY_CODE} {_TRACK_AND_PIN}".split())
_WHOLE = frozenset({"pan", "pans", "track", "fullpan", "dpan", "fpan"})
"""Too short to be looked for at the end of other words (`company`, `soundtrack`)."""
_SHORT_CODES = frozenset({"cid", "cve", "cvp"})
"""Names of security codes that have other meanings as well."""
_OTHER_CARDS = _words(
    "gift giftcard loyalty bonus member membership identity id sim health insurance report library "
    "student reward rewards club score business phone prepaidphone kunden treue geschenk ausweis"
)
"""Cards that do not pay: in front of `card number`."""
_QUESTIONS = _words("has is no needs requires use uses with without")
"""`has_cvv` asks about a code and holds none."""
_INSTEAD = _words("token tokenized hash hashed masked truncated")
"""`masked_card_number` holds none, or its digits show it."""
_CARD_WORDS = _words(
    "card cards cc ccn pan visa mastercard amex maestro credit debit creditcard debitcard "
    "kreditkarte karte carte tarjeta cartao carta kort kaart karta kart unionpay jcb "
    "discover diners"
)
_SUBJECTS = _words(
    # identifiers
    "id ids uid uuid guid key keys ref refs reference references referenz token tokens hash "
    "digest sha etag fingerprint code codes serial batch sequence seq nonce version order orders "
    "bestellung bestellnummer auftrag auftragsnummer commande pedido ordine factura invoice "
    "invoices rechnung rechnungsnummer facture receipt quote booking ticket case contract policy "
    "transaction transactions tx txn session request trace span correlation idempotency user "
    "users customer customers client merchant vendor seller supplier device visitor issuer "
    # goods and parcels
    "sku skus ean eans gtin gtins upc isbn issn asin mpn plu barcode product products produkt "
    "article articles artikel artikelnummer item items variant catalog shipment shipments "
    "shipping tracking parcel parcels waybill awb consignment sscc sendung sendungsnummer "
    "delivery basket cart line lines goods stock part parts model "
    # people, accounts and machines
    "phone phones tel telephone telefon telefono mobile mobil cell handy msisdn fax whatsapp "
    "call anruf iban bban bic account kundennummer konto kontonummer vat tax imei imsi iccid eid "
    "mac ip ipv vin ssn passport "
    # times and amounts
    "at time times timestamp timestamps ts date dates datetime day created updated expires epoch "
    "millis ms micros ns zeit datum uhrzeit amount amounts total price currency country category "
    "latitude longitude lat lon lng "
)
_IDENTIFIER_WORDS = _SUBJECTS | {
    word + ending
    for word in _SUBJECTS
    for ending in ("id", "ids", "no", "nr", "num", "number", "numbers", "code", "key", "ref")
}
"""Also written as one word: `orderid`."""
_PROSE_WORDS = _words(
    "note notes comment comments remark remarks memo message messages text description instruction "
    "instructions hint reason title name subject body content detail details greeting notiz "
    "kommentar bemerkung hinweis nota commentaire comentario"
)
_GENERIC = frozenset({"value", "values", "val", "raw", "number", "no", "nr", "num"})
"""Names that say nothing themselves: the object that they are in says it."""
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W\d_A-Za-z]+|\d+")
_MASKED = re.compile(r"[*•●xX#\d\s.-]*").fullmatch
_MASKS = frozenset("*•●xX#")


def words_of(name: str) -> list[str]:
    """The words of a name or a text, in lower case and without accents.

    >>> words_of("Número-deTarjeta2")
    ['numero', 'de', 'tarjeta', '2']
    """
    if not name.isascii():
        decomposed = unicodedata.normalize("NFKD", name)
        name = "".join(
            letter for letter in decomposed if unicodedata.category(letter) not in ("Mn", "Cf")
        )
        if not name.isascii():
            name = unicodedata.normalize("NFC", name)
    return [word.lower() for word in _WORDS.findall(name)]


@lru_cache(maxsize=4096)
def kind_of(name: str, parent: str = "") -> Kind:
    """What a field's name says of its value; `parent`: the name of the object that it is in. Both
    at most `SHORT` letters, because they are remembered.
    """
    words, outer = words_of(name), words_of(parent)
    both = [word.removesuffix("s") for word in outer] + words  # a card of `cards`
    if _is_card_data(words) or (_says_card(outer) and _is_card_data(both)):
        return Kind.CARD_DATA
    if "".join(words).rstrip("0123456789") in _SHORT_CODES:
        return Kind.SHORT_CODE
    speaking = outer if _GENERIC.issuperset(words) else words
    return Kind.IDENTIFIER if identifies(speaking) else Kind.TEXT


def is_absent(value: object) -> bool:
    """Whether the value of a field for card data holds none: null, a yes or no, or masked, with ten
    digits at most.
    """
    if not isinstance(value, str):
        return value is None or isinstance(value, bool) or value in ([], {})
    if len(value) > SHORT or not _MASKED(value):
        return False
    masks = sum(letter in _MASKS for letter in value)
    digits = sum(letter.isdecimal() for letter in value)
    return masks != 1 if not digits else masks >= 3 and digits <= (4 if masks < 5 else 10)


def identifies(words: list[str]) -> bool | None:
    """Whether words speak of an identifier; False when of a card or of prose, None of neither.

    The last word that says anything decides: an order's note is a note.

    >>> identifies(["order", "id"]), identifies(["order", "note"]), identifies(["card", "id"])
    (True, False, False)
    """
    if not _CARD_WORDS.isdisjoint(words):
        return False
    for word in reversed(words):
        if word in _IDENTIFIER_WORDS or word in _PROSE_WORDS:
            return word in _IDENTIFIER_WORDS
    return None


def _says_card(words: list[str]) -> bool:
    return not _CARD_WORDS.isdisjoint(words) or words == ["payment", "method"]


def _is_card_data(words: list[str]) -> bool:
    joined = "".join(word for word in words if not word.isdecimal())  # track 2, card 1's number
    if not joined or words[0] in _QUESTIONS or not _INSTEAD.isdisjoint(words):
        return False
    if joined in _WHOLE or words[-1] == "pan":
        return True
    ending = next((ending for ending in _ENDINGS if joined.endswith(ending)), None)
    if ending is None:
        return False
    before = joined.removesuffix(ending)
    return not any(
        word in words if len(word) < 4 else before.endswith(word) for word in _OTHER_CARDS
    )
