/* This file opens the answers to a reader's question (ACCESS_SERVED), checks them, and computes
 * from enough of them the key of a record. It refuses answers to another question, and believes no
 * key that does not open. */
#include "keyring/access.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/r255.h"
#include "held_private.h"
#include "letters_private.h"

#define OWNER_WRAP_BYTES (32 + EMR_LETTER_OVERHEAD)
#define GROUP_STATIC_BYTES (32 + 32 + 64)
#define ANSWER_MAX (512 * 1024)

/* Where an entry lies in the plaintext. */
typedef struct entry {
	uint16_t slot;
	uint8_t status;
	uint32_t epoch; /* mode 1 */
	size_t group;	/* offset of X | U | sig, mode 1 */
	size_t at;	/* offset of the cfrag or the key */
} entry;

struct emr_answer {
	emr_vault plain;
	emr_answer_kind mode;
	emr_id32 signer;
	size_t count;
	entry *entries;
};

/* The state that parsing carries along. */
typedef struct parse {
	emr_reader r;
	size_t slots;
	size_t given;
	uint8_t seen[EMR_ACCESS_SLOTS_MAX / 8];
	emr_answer *answer;
} parse;

static size_t offset_of(const parse *p)
{
	return p->answer->plain.len - p->r.left;
}

/* One entry of LEN bytes of value. */
static void read_entry(parse *p, size_t len, uint32_t epoch, size_t group, bool may_give)
{
	emr_answer *answer = p->answer;
	entry one = {.epoch = epoch, .group = group};
	uint8_t bit;

	one.slot = emr_read_u16(&p->r);
	one.status = emr_read_u8(&p->r);
	emr_read_zeros(&p->r, 1);
	one.at = offset_of(p);
	if (one.status == EMR_ANSWER_GIVEN)
		emr_read_bytes(&p->r, len);
	else
		emr_read_zeros(&p->r, len);
	bit = (uint8_t)(1u << one.slot % 8);
	if (p->r.bad || one.slot >= p->slots || answer->count == p->slots ||
		(p->seen[one.slot / 8] & bit) != 0 ||
		(one.status == EMR_ANSWER_GIVEN && !may_give)) {
		p->r.bad = true;
		return;
	}
	p->seen[one.slot / 8] |= bit;
	p->given += one.status == EMR_ANSWER_GIVEN;
	answer->entries[answer->count++] = one;
}

/* X | U | sig are all there, or all zero when no fragment is held. */
static bool static_ok(emr_bytes fixed, bool *out_has)
{
	*out_has = !sodium_is_zero(fixed.data, fixed.len);
	return !*out_has || (emr_r255_point_ok(fixed.data) && emr_r255_point_ok(fixed.data + 32));
}

static void read_group(parse *p, uint32_t *epoch)
{
	uint32_t mine = emr_read_u32(&p->r);
	size_t group = offset_of(p);
	emr_bytes fixed = emr_read_bytes(&p->r, GROUP_STATIC_BYTES);
	size_t count = emr_read_u16(&p->r);
	bool has = false;

	if (p->r.bad || mine <= *epoch || count == 0 || !static_ok(fixed, &has)) {
		p->r.bad = true;
		return;
	}
	*epoch = mine;
	for (size_t i = 0; i < count && !p->r.bad; i++)
		read_entry(p, EMR_PRE_CFRAG_BYTES, mine, group, has);
}

static void read_all(parse *p)
{
	size_t n = emr_read_u16(&p->r);
	uint32_t epoch = 0;

	switch (p->answer->mode) {
	case EMR_ANSWER_CFRAGS:
		p->r.bad |= n == 0;
		for (size_t i = 0; i < n && !p->r.bad; i++)
			read_group(p, &epoch);
		break;
	case EMR_ANSWER_KEYS:
		p->r.bad |= n == 0;
		for (size_t i = 0; i < n && !p->r.bad; i++)
			read_entry(p, 32, 0, 0, true);
		break;
	case EMR_ANSWER_REFUSED:
		p->r.bad |= n != 0;
		break;
	}
	emr_part_read_padding(&p->r, p->answer->plain.len);
}

emr_status emr_answer_parse(emr_vault *take_plain, emr_answer_kind mode, emr_id32 signer,
	size_t slots, size_t given, emr_answer **out)
{
	EMR_AUTO_VAULT plain = *take_plain;
	parse p = {.slots = slots};

	*take_plain = (emr_vault){0};
	if (slots < 1 || slots > EMR_ACCESS_SLOTS_MAX)
		return EMR_INVALID;
	p.answer = calloc(1, sizeof *p.answer);
	if (p.answer == NULL)
		return EMR_NO_MEMORY;
	p.answer->entries = calloc(slots, sizeof *p.answer->entries);
	if (p.answer->entries == NULL) {
		free(p.answer);
		return EMR_NO_MEMORY;
	}
	p.answer->plain = plain;
	plain = (emr_vault){0};
	p.answer->mode = mode;
	p.answer->signer = signer;
	p.r = emr_reader_of(emr_bytes_of(p.answer->plain.data, p.answer->plain.len));
	read_all(&p);
	if (!emr_reader_done(&p.r) || p.given != given) {
		emr_answer_free(p.answer);
		return EMR_DAMAGED;
	}
	*out = p.answer;
	return EMR_OK;
}

/* Nothing but a known mode, and no owner_wrap in the owner's own answers. */
static bool wrap_fits(unsigned mode, emr_bytes wrap)
{
	return mode >= EMR_ANSWER_CFRAGS && mode <= EMR_ANSWER_REFUSED &&
	       (mode != EMR_ANSWER_KEYS || sodium_is_zero(wrap.data, wrap.len));
}

emr_status emr_answer_open(const emr_box_key *epk, emr_bytes served_item, emr_bytes part,
	size_t slots, emr_answer **out)
{
	EMR_AUTO_VAULT plain = {0};
	emr_part_item item;
	emr_bytes wrap;
	emr_bytes letter;
	emr_reader r;
	unsigned mode;

	EMR_TRY(emr_part_open(served_item, EMR_PART_ACCESS_SERVED, part, &item, &r));
	wrap = emr_read_bytes(&r, OWNER_WRAP_BYTES);
	letter = emr_read_bytes(&r, r.left);
	mode = item.pub.data[48];
	if (!emr_reader_done(&r) || letter.len < EMR_LETTER_UNIT + EMR_LETTER_OVERHEAD ||
		letter.len > ANSWER_MAX || !wrap_fits(mode, wrap))
		return EMR_DAMAGED;
	EMR_TRY(emr_vault_new(letter.len - EMR_LETTER_OVERHEAD, &plain));
	EMR_TRY(emr_part_letter_open(
		&item, "emrfs/v1/served", (emr_bytes){0}, epk, letter, plain.data));
	return emr_answer_parse(&plain, (emr_answer_kind)mode, item.signer_id, slots,
		emr_get_u16(item.pub.data + 50), out);
}

void emr_answer_free(emr_answer *answer)
{
	if (answer == NULL)
		return;
	emr_vault_free(&answer->plain);
	free(answer->entries);
	free(answer);
}

emr_answer_kind emr_answer_mode(const emr_answer *answer)
{
	return answer->mode;
}

size_t emr_answer_count(const emr_answer *answer)
{
	return answer->count;
}

emr_status emr_answer_entry_get(const emr_answer *answer, size_t i, emr_answer_entry *out)
{
	emr_answer_entry made = {0};
	const entry *one;
	const uint8_t *fixed;

	if (answer->mode != EMR_ANSWER_CFRAGS || i >= answer->count)
		return EMR_INVALID;
	one = &answer->entries[i];
	fixed = answer->plain.data + one->group;
	made.slot = one->slot;
	made.status = one->status;
	made.epoch = one->epoch;
	memcpy(made.X, fixed, 32);
	memcpy(made.frag.agent_id, answer->signer.b, 32);
	memcpy(made.frag.U, fixed + 32, 32);
	memcpy(made.frag.sig, fixed + 64, 64);
	memcpy(made.share.agent_id, answer->signer.b, 32);
	memcpy(made.share.cfrag, answer->plain.data + one->at, EMR_PRE_CFRAG_BYTES);
	*out = made;
	return EMR_OK;
}

emr_status emr_answer_key_get(const emr_answer *answer, size_t i, uint16_t *out_slot,
	uint8_t *out_status, emr_kem_key **out_key)
{
	EMR_AUTO_SECRET k = {0};
	emr_kem_key *key = NULL;
	const entry *one;

	if (answer->mode != EMR_ANSWER_KEYS || i >= answer->count)
		return EMR_INVALID;
	one = &answer->entries[i];
	if (one->status == EMR_ANSWER_GIVEN) {
		EMR_TRY(emr_secret_new(32, &k));
		memcpy(k.data, answer->plain.data + one->at, 32);
		EMR_TRY(emr_kem_key_from(&k, &key));
	}
	*out_slot = one->slot;
	*out_status = one->status;
	*out_key = key;
	return EMR_OK;
}

emr_status emr_kem_key_combine(const emr_grantee_key *grantee, const uint8_t A[32],
	const uint8_t X[32], const uint8_t ctx[32], const uint8_t capsule[96],
	const emr_pre_share *shares, unsigned n, emr_kem_key **out)
{
	emr_secret k = {0};

	EMR_TRY(emr_pre_combine(&grantee->b, grantee->B, A, X, ctx, capsule, shares, n, &k));
	return emr_kem_key_from(&k, out);
}

emr_status emr_answer_entry_check(const emr_answer_entry *entry_of, const uint8_t owner_pk[32],
	const emr_grant_terms *terms, const uint8_t A[32], const uint8_t B[32],
	const uint8_t capsule[96], emr_id32 req)
{
	emr_pre_bond bond;

	memcpy(bond.A, A, 32);
	memcpy(bond.B, B, 32);
	memcpy(bond.X, entry_of->X, 32);
	emr_grant_ctx(terms, entry_of->epoch, A, B, bond.gctx);
	return emr_pre_cfrag_verify(
		owner_pk, &bond, &entry_of->frag, capsule, req.b, entry_of->share.cfrag);
}
