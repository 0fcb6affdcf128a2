/* This file makes and opens the private part of a grant (GRANT): its terms, the letter to the
 * grantee, and the note of the owner. It refuses a part beside another item than its own. It has
 * the one list of purposes. */
#include "keyring/grant.h"

#include <string.h>

#include "crypto/hashsig.h"
#include "crypto/r255.h"
#include "letters_private.h"
#include "part_private.h"

#define NOTE_BYTES (16 + 1 + EMR_NOTE_LABEL_MAX)
#define NOTE_SEALED_BYTES (NOTE_BYTES + EMR_LETTER_OVERHEAD)
#define OUTER_WORD_BYTES (16 + EMR_PART_HEAD_BYTES + 64)
#define RULE_INFO "emrfs/v1/rule"
#define RULE_SEALED_BYTES                                                                          \
	(EMR_GRANT_RULE_MAX + 1 + EMR_LETTER_OVERHEAD) /* and 16: units of 512                     \
							*/
#define LETTER_PLAIN_MAX 1024 /* what a card and the longest label need, in units of 512 */

static const struct {
	const char *word, *code;
} purposes[] = {{"treatment", "TREAT"}, {"payment", "HPAYMT"}, {"operations", "HOPERAT"},
	{"research", "HRESCH"}, {"emergency", "ETREAT"}, {"self", "PATRQT"},
	{"public-health", "PUBHLTH"}, {"legal", "HLEGAL"}, {"family", "FAMRQT"}};
#define PURPOSES (sizeof purposes / sizeof *purposes)

const char *emr_purpose_word(unsigned bit)
{
	return bit < PURPOSES ? purposes[bit].word : NULL;
}

const char *emr_purpose_code(unsigned bit)
{
	return bit < PURPOSES ? purposes[bit].code : NULL;
}

static bool threshold_ok(unsigned t, unsigned n)
{
	return t <= n && n <= EMR_AGENTS_MAX && (t == 0) == (n == 0);
}

emr_status emr_grant_terms_read(emr_bytes grant_item, emr_grant_terms *out)
{
	emr_part_item item;
	emr_grant_terms terms;
	emr_reader r;

	EMR_TRY(emr_part_item_read(grant_item, EMR_PART_GRANT, &item));
	r = emr_reader_of(item.pub);
	terms.domain_id = item.domain_id;
	terms.grant_id = item.object_id;
	emr_read_copy(&r, terms.grantee.b, 32);
	terms.not_before = emr_read_u64(&r);
	terms.not_after = emr_read_u64(&r);
	terms.from_time = emr_read_u64(&r);
	terms.purposes = emr_read_u32(&r);
	terms.rights = emr_read_u16(&r);
	terms.t = emr_read_u8(&r);
	terms.n = emr_read_u8(&r);
	if (!emr_reader_done(&r) || !threshold_ok(terms.t, terms.n))
		return EMR_DAMAGED;
	*out = terms;
	return EMR_OK;
}

void emr_grant_ctx(const emr_grant_terms *terms, uint32_t epoch, const uint8_t A[32],
	const uint8_t B[32], uint8_t out_gctx[32])
{
	static const char label[] = "emrfs/v1/gctx"; /* hashed without its NUL */
	uint8_t bytes[13 + 16 + 16 + 4 + 32 + 32 + 3 * 8 + 2 + 2 + 4];
	uint8_t *at = bytes + 13;

	memcpy(bytes, label, 13);
	memcpy(at, terms->domain_id.b, 16);
	memcpy(at + 16, terms->grant_id.b, 16);
	emr_put_u32(at + 32, epoch);
	memcpy(at + 36, A, 32);
	memcpy(at + 68, B, 32);
	emr_put_u64(at + 100, terms->not_before);
	emr_put_u64(at + 108, terms->not_after);
	emr_put_u64(at + 116, terms->from_time);
	at[124] = terms->t;
	at[125] = terms->n;
	emr_put_u16(at + 126, terms->rights);
	emr_put_u32(at + 128, terms->purposes);
	emr_sha256(bytes, sizeof bytes, out_gctx);
}

bool emr_agents_differ(const emr_id32 *agents, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (emr_id32_equal(agents[i], agents[j]))
				return false;
		}
	}
	return true;
}

/* ---- In the clear ---- */

emr_status emr_grant_letter_encode(const emr_grant_letter *letter, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);
	size_t start = out->len;
	size_t label_len = strnlen(letter->label, sizeof letter->label);

	if (letter->card_len > EMR_CARD_MAX || label_len > EMR_SHARE_LABEL_MAX ||
		!emr_text_ok(letter->label, label_len))
		return EMR_INVALID;
	emr_write_u16(&w, (uint16_t)letter->card_len);
	emr_write_bytes(&w, letter->card, letter->card_len);
	emr_write_bytes(&w, letter->root_dir_id.b, 16);
	emr_write_bytes(&w, letter->share_id.b, 16);
	emr_write_zeros(&w, 32); /* K_pq: none in format 1 */
	emr_write_u8(&w, (uint8_t)label_len);
	emr_write_bytes(&w, letter->label, label_len);
	emr_part_write_padding(&w, start);
	return w.status;
}

emr_status emr_grant_letter_decode(emr_bytes plain, emr_grant_letter *out)
{
	static const uint8_t no_pq[32];
	emr_reader r = emr_reader_of(plain);
	emr_grant_letter letter = {0};
	uint8_t k_pq[32];
	size_t label_len;

	letter.card_len = emr_read_u16(&r);
	if (letter.card_len > EMR_CARD_MAX)
		return EMR_DAMAGED;
	emr_read_copy(&r, letter.card, letter.card_len);
	emr_read_copy(&r, letter.root_dir_id.b, 16);
	emr_read_copy(&r, letter.share_id.b, 16);
	emr_read_copy(&r, k_pq, 32);
	label_len = emr_read_u8(&r);
	emr_read_copy(&r, letter.label, label_len);
	emr_part_read_padding(&r, plain.len);
	if (!emr_reader_done(&r) || !emr_text_ok(letter.label, label_len))
		return EMR_DAMAGED;
	if (memcmp(k_pq, no_pq, sizeof k_pq) != 0)
		return EMR_UNSUPPORTED;
	*out = letter;
	return EMR_OK;
}

/* The longest beginning of whole characters that a note holds. */
static size_t note_label_len(const char *label)
{
	const uint8_t *at = (const uint8_t *)label;
	size_t left = strlen(label);
	size_t len = 0;

	while (len < left) {
		size_t n = emr_utf8_len(at + len, left - len);

		if (n == 0 || len + n > EMR_NOTE_LABEL_MAX)
			break;
		len += n;
	}
	return len;
}

void emr_grant_note_encode(const emr_grant_letter *letter, uint8_t out[EMR_GRANT_NOTE_BYTES])
{
	size_t len = note_label_len(letter->label);

	memset(out, 0, NOTE_BYTES);
	memcpy(out, emr_id16_is_zero(letter->word) ? letter->share_id.b : letter->word.b, 16);
	out[16] = (uint8_t)len;
	memcpy(out + 17, letter->label, len);
}

emr_status emr_grant_note_decode(const uint8_t plain[EMR_GRANT_NOTE_BYTES], emr_grant_note *out)
{
	emr_reader r = emr_reader_of(emr_bytes_of(plain, NOTE_BYTES));
	emr_grant_note note = {0};
	size_t len;

	emr_read_copy(&r, note.share_id.b, 16);
	len = emr_read_u8(&r);
	if (len > EMR_NOTE_LABEL_MAX)
		return EMR_DAMAGED;
	emr_read_copy(&r, note.label, len);
	emr_read_zeros(&r, r.left);
	if (!emr_reader_done(&r) || !emr_text_ok(note.label, len))
		return EMR_DAMAGED;
	*out = note;
	return EMR_OK;
}

/* ---- The part ---- */

static emr_status write_part(const emr_part_item *item, const emr_grant_terms *terms,
	const emr_grant_parties *parties, const emr_grant_letter *letter, emr_buf *out)
{
	EMR_AUTO_BUF plain = {0};
	uint8_t note[NOTE_BYTES];
	emr_writer w = emr_writer_of(out);

	EMR_TRY(emr_grant_letter_encode(letter, &plain));
	emr_grant_note_encode(letter, note);
	emr_part_write_salt(&w);
	emr_write_bytes(&w, parties->B, 32);
	for (size_t i = 0; i < terms->n; i++)
		emr_write_bytes(&w, parties->agents[i].b, 32);
	EMR_TRY(emr_part_letter_seal(item, "emrfs/v1/note", (emr_bytes){0}, parties->owner_box,
		emr_bytes_of(note, sizeof note), &w));
	emr_write_u16(&w, (uint16_t)(plain.len + EMR_LETTER_OVERHEAD));
	return emr_part_letter_seal(item, "emrfs/v1/grant", (emr_bytes){0}, parties->grantee_x25519,
		emr_buf_view(&plain), &w);
}

emr_status emr_grant_part_seal(emr_bytes grant_item, const emr_grant_parties *parties,
	const emr_grant_letter *letter, emr_buf *out_part)
{
	EMR_AUTO_BUF part = {0};
	emr_part_item item;
	emr_grant_terms terms;
	emr_status status = emr_grant_terms_read(grant_item, &terms);

	if (status == EMR_OK)
		status = emr_part_item_read(grant_item, EMR_PART_GRANT, &item);
	if (status != EMR_OK)
		return EMR_INVALID;
	if (!emr_r255_point_ok(parties->B) || !emr_agents_differ(parties->agents, terms.n))
		return EMR_INVALID;
	EMR_TRY(write_part(&item, &terms, parties, letter, &part));
	return emr_buf_append(out_part, part.data, part.len);
}

static bool read_behind(emr_reader *r, emr_grant_part *out, emr_id16 domain)
{
	size_t total = r->left;

	emr_read_copy(r, out->outer.b, 16);
	if (emr_id16_is_zero(out->outer)) {
		out->rule = emr_read_bytes(r, RULE_SEALED_BYTES);
		return true;
	}
	out->outer_sig = emr_read_bytes(r, 64);
	emr_part_read_padding(r, total);
	return !emr_id16_equal(out->outer, domain);
}

emr_status emr_grant_part_read(emr_bytes grant_item, emr_bytes part, emr_grant_part *out)
{
	emr_grant_part made = {0};
	emr_grant_terms terms;
	emr_part_item item;
	emr_reader r;

	EMR_TRY(emr_grant_terms_read(grant_item, &terms));
	EMR_TRY(emr_part_open(grant_item, EMR_PART_GRANT, part, &item, &r));
	emr_read_copy(&r, made.B, 32);
	made.n = terms.n;
	for (size_t i = 0; i < terms.n; i++)
		emr_read_copy(&r, made.agents[i].b, 32);
	made.note = emr_read_bytes(&r, NOTE_SEALED_BYTES);
	made.letter = emr_read_bytes(&r, emr_read_u16(&r));
	if (r.left > 0 && !read_behind(&r, &made, item.domain_id))
		return EMR_DAMAGED;
	if (!emr_reader_done(&r) || !emr_r255_point_ok(made.B) ||
		!emr_agents_differ(made.agents, made.n) ||
		made.letter.len < EMR_LETTER_UNIT + EMR_LETTER_OVERHEAD ||
		made.letter.len > LETTER_PLAIN_MAX + EMR_LETTER_OVERHEAD)
		return EMR_DAMAGED;
	*out = made;
	return EMR_OK;
}

/* Makes the bytes that the outer domain's key signs. */
static emr_status outer_word(emr_id16 outer, emr_bytes grant_item, uint8_t out[OUTER_WORD_BYTES])
{
	emr_part_item item;

	EMR_TRY(emr_part_item_read(grant_item, EMR_PART_GRANT, &item));
	if (emr_id16_is_zero(outer) || emr_id16_equal(outer, item.domain_id))
		return EMR_INVALID;
	memcpy(out, outer.b, 16);
	memcpy(out + 16, item.head, EMR_PART_HEAD_BYTES);
	memcpy(out + 16 + EMR_PART_HEAD_BYTES, item.pub.data, item.pub.len);
	return EMR_OK;
}

emr_status emr_grant_outer_seal(
	const emr_keyring *kr, emr_id16 outer, uint32_t gen, emr_bytes grant_item, emr_buf *part)
{
	uint8_t word[OUTER_WORD_BYTES], sig[64];
	emr_writer w = emr_writer_of(part);
	size_t start = part->len;

	EMR_TRY(outer_word(outer, grant_item, word));
	EMR_TRY(emr_keyring_sign(kr, emr_signer_domain(outer, gen), EMR_SIGN_OUTER,
		emr_bytes_of(word, sizeof word), sig));
	emr_write_bytes(&w, outer.b, 16);
	emr_write_bytes(&w, sig, sizeof sig);
	emr_part_write_padding(&w, start);
	return w.status;
}

emr_status emr_grant_outer_check(
	emr_bytes grant_item, const emr_grant_part *part, const uint8_t outer_pk[32])
{
	uint8_t word[OUTER_WORD_BYTES];

	if (part->outer_sig.len != 64 || outer_word(part->outer, grant_item, word) != EMR_OK)
		return EMR_BAD_SIGNATURE;
	return emr_sign_verify(
		outer_pk, EMR_SIGN_OUTER, emr_bytes_of(word, sizeof word), part->outer_sig.data);
}

emr_status emr_grant_rule_seal(
	emr_bytes grant_item, const uint8_t owner_box[32], const char *rule, emr_buf *part)
{
	char plain[EMR_GRANT_RULE_MAX + 1] = "";
	emr_writer w = emr_writer_of(part);
	emr_part_item item;

	if (strlen(rule) > EMR_GRANT_RULE_MAX)
		return EMR_INVALID;
	EMR_TRY(emr_part_item_read(grant_item, EMR_PART_GRANT, &item));
	memcpy(plain, rule, strlen(rule));
	emr_write_zeros(&w, 16);
	return emr_part_letter_seal(
		&item, RULE_INFO, (emr_bytes){0}, owner_box, emr_bytes_of(plain, sizeof plain), &w);
}

emr_status emr_grant_rule_open(const emr_box_key *box, emr_bytes grant_item,
	const emr_grant_part *part, char out[EMR_GRANT_RULE_MAX + 1])
{
	uint8_t plain[EMR_GRANT_RULE_MAX + 1];
	emr_part_item item;

	if (part->rule.len == 0)
		return EMR_NOT_FOUND;
	EMR_TRY(emr_part_item_read(grant_item, EMR_PART_GRANT, &item));
	EMR_TRY(emr_part_letter_open(&item, RULE_INFO, (emr_bytes){0}, box, part->rule, plain));
	if (memchr(plain, '\0', sizeof plain) == NULL)
		return EMR_DAMAGED;
	memcpy(out, plain, sizeof plain);
	return EMR_OK;
}

emr_status emr_grant_note_open(const emr_box_key *box, emr_bytes grant_item,
	const emr_grant_part *part, emr_grant_note *out)
{
	uint8_t plain[NOTE_BYTES];
	emr_part_item item;

	EMR_TRY(emr_part_item_read(grant_item, EMR_PART_GRANT, &item));
	EMR_TRY(emr_part_letter_open(
		&item, "emrfs/v1/note", (emr_bytes){0}, box, part->note, plain));
	return emr_grant_note_decode(plain, out);
}

emr_status emr_grant_letter_open(const emr_box_key *box, emr_bytes grant_item,
	const emr_grant_part *part, emr_grant_letter *out)
{
	uint8_t plain[LETTER_PLAIN_MAX];
	emr_part_item item;

	EMR_TRY(emr_part_item_read(grant_item, EMR_PART_GRANT, &item));
	EMR_TRY(emr_part_letter_open(
		&item, "emrfs/v1/grant", (emr_bytes){0}, box, part->letter, plain));
	return emr_grant_letter_decode(
		emr_bytes_of(plain, part->letter.len - EMR_LETTER_OVERHEAD), out);
}
