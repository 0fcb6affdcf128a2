/* This makes and reads cards: the public keys of a person, or of a domain, signed by that
 * person, as a file, a QR text or bytes in a letter; and the number two people compare. It refuses
 * a card that its keys did not sign, labels that mislead, and dates that end before they begin. The
 * name on a card is its holder's own word.
 *
 * Layouts: FORMAT.md. All functions are thread-safe. */
#pragma once

#include "base/id.h"
#include "keyring/keyring.h"

/* Whether strangers' TEXT of LEN bytes may be shown to people: sound UTF-8 without controls, and
 * without characters that hide, turn or end the text around them (keyring/text.c names them). */
bool emr_text_ok(const char *text, size_t len);
/* Bytes of the UTF-8 character at TEXT (RFC 3629), of which LEFT bytes are there or a NUL ends it;
 * 0 when it is none. */
size_t emr_utf8_len(const uint8_t *text, size_t left);
/* Whether the character of LEN bytes at TEXT is one of those characters, for a caller that shows
 * the rest of such a text; *OUT_CODE is its number. */
bool emr_utf8_misleads(const uint8_t *text, size_t len, uint32_t *out_code);

#define EMR_CARD_LABEL_MAX 64 /* bytes: name, a tab, birth date or nothing */
#define EMR_CARD_NAME_MAX 53  /* the name, so that a birth date fits behind it */
#define EMR_CARD_MAX (185 + EMR_CARD_LABEL_MAX + 128)
#define EMR_CARD_QR_MAX 1024 /* bytes of the QR text, with its NUL */

typedef enum emr_card_kind {
	EMR_CARD_PERSON = 1,
	EMR_CARD_DOMAIN = 2,
} emr_card_kind;

typedef struct emr_card {
	emr_card_kind kind;
	emr_id16 net_id;
	uint8_t id_pk[32];  /* Ed25519 identity */
	emr_id32 signer_id; /* SHA-256 of id_pk */
	uint8_t x25519[32]; /* where letters go: the person's box, or the domain's */
	uint8_t B[32];	    /* the person's B, or the domain's A of the epoch it was made in */
	emr_id16 domain_id; /* zero for a person */
	uint8_t dom_pk[32]; /* Ed25519 of the domain; zero for a person */
	uint64_t issued;    /* Unix seconds */
	uint64_t expires;
	char name[EMR_CARD_LABEL_MAX + 1]; /* UTF-8 without controls; may be empty */
	char born[11];			   /* YYYY-MM-DD or empty */
} emr_card;

/* Appends the card's bytes.  NAME: UTF-8, no controls, no marks that turn or hide text, BORN a real
 * date or "" (EMR_INVALID); both together at most 63 bytes (EMR_LIMIT); EXPIRES after ISSUED. */
emr_status emr_card_make_person(const emr_keyring *kr, emr_id16 net_id, uint64_t issued,
	uint64_t expires, const char *name, const char *born, emr_buf *out);
/* Signed by the identity and by the domain's key of generation GEN; B is the epoch's A. NAME NULL:
 * a bare card, without a label, for proofs; EXPIRES may then be ISSUED. */
emr_status emr_card_make_domain(const emr_keyring *kr, emr_id16 net_id, emr_id16 domain_id,
	uint32_t gen, uint32_t epoch, uint64_t issued, uint64_t expires, const char *name,
	const char *born, emr_buf *out);
/* Whether NAME is one that a card may carry (see above). */
bool emr_card_name_ok(const char *name);
/* The same of a name of any length that stands elsewhere: in a registration, of an organisation. */
bool emr_shown_name_ok(const char *name, size_t len);
/* Exactly one card, its points and signatures checked.  EMR_DAMAGED, EMR_BAD_SIGNATURE,
 * EMR_NEWER_FORMAT.  Whether it is in force is the caller's clock to say, whether its keys are
 * those of the ledger is the ledger's. */
emr_status emr_card_read(emr_bytes card, emr_card *out);
/* The same of a bare card of a domain. */
emr_status emr_card_read_bare(emr_bytes card, emr_card *out);

/* A card is handed out together with the domain card of the person's Inbox, if there is one (it
 * says where a hospital may leave records).
 *
 * The person's own, borrowed.  Reads none of it: EMR_DAMAGED when the lengths do not fit. */
emr_status emr_card_first(emr_bytes bytes, emr_bytes *out_card);
/* The Inbox's card behind it, borrowed and unread; empty when there is none.  EMR_DAMAGED. */
emr_status emr_card_inbox(emr_bytes bytes, emr_bytes *out_inbox);
/* The same, read.  EMR_NOT_FOUND: there is none; EMR_BAD_SIGNATURE: not signed by its keys, or not
 * of PERSON, whose card was read already; EMR_DAMAGED, EMR_NEWER_FORMAT. */
emr_status emr_card_inbox_read(emr_bytes bytes, const emr_card *person, emr_card *out_inbox);

/* ---- As text ---- */

/* A file: the line "emrfs card v1" and base64 (RFC 4648) in lines of 64. Appends text without a
 * NUL.  EMR_LIMIT beyond 32 KiB. */
emr_status emr_card_file_text(emr_bytes card, emr_buf *out_text);
/* The note that the host of a network has signed (ledger/checkpoint.h), behind the card in such a
 * text; borrowed and unread, empty when there is none.  The writer of the text appends an empty
 * line and the note. */
emr_bytes emr_card_text_note(emr_bytes text);
/* A QR code: "EMRFS:" and base32 (RFC 4648, upper case, no padding: QR's alphanumeric mode) of the
 * card, and of the Inbox's behind it.  EMR_LIMIT. */
emr_status emr_card_qr_text(emr_bytes card, char out[EMR_CARD_QR_MAX]);
/* Either form, or the bytes themselves; white space around and between the lines is passed over,
 * and a note behind them.  Appends the card and what follows it.  EMR_DAMAGED, EMR_LIMIT. */
emr_status emr_card_from_text(emr_bytes text, emr_buf *out);

/* ---- What people say to each other ---- */

/* Letters of base32 of a signer id. */
#define EMR_KEY_CODE_MAX 52
#define EMR_KEY_CODE_SHOWN 8 /* behind a name: for eyes */
/* So many LETTERS of the beginning of the code of ID, in upper case. */
void emr_key_code(emr_id32 id, size_t letters, char out[EMR_KEY_CODE_MAX + 1]);
/* Of two person cards; CHANGING marks a side whose x25519 changes (an agent), which counts as
 * zeros. EMR_INVALID for a domain's card. */
emr_status emr_card_safety_number(const emr_card *one, bool one_changing, const emr_card *other,
	bool other_changing, char out[EMR_SAFETY_NUMBER_CHARS]);
