/* A card is what people give each other: name, birth date and public keys, signed by their
 * owner. This file makes and reads cards, the signatures of organisations behind them, and the
 * number that two people compare; it refuses names that could look like something else. */
#include "keyring/card.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/day.h"
#include "crypto/hashsig.h"
#include "crypto/r255.h"
#include "part_private.h"

#define CARD_HEAD_BYTES 185 /* up to the label */

/* ---- Labels ---- */

/* A day from 1800 on, or nothing. */
static bool born_ok(const char *born, size_t len)
{
	char day[11];

	if (len != 10)
		return len == 0;
	memcpy(day, born, 10);
	day[10] = '\0';
	return emr_day_is(day) && day[1] >= (day[0] > '1' ? '0' : '8');
}

bool emr_shown_name_ok(const char *name, size_t len)
{
	return emr_text_ok(name, len) && emr_text_is_trimmed(name, len);
}

bool emr_card_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len <= EMR_CARD_NAME_MAX && emr_shown_name_ok(name, len);
}

/* NAME, TAB, BORN into LABEL. */
static emr_status join_label(
	const char *name, const char *born, char label[EMR_CARD_LABEL_MAX + 1], size_t *out_len)
{
	size_t name_len = strlen(name);
	size_t born_len = strlen(born);

	if (name_len + 1 + born_len > EMR_CARD_LABEL_MAX)
		return EMR_LIMIT;
	if (!emr_shown_name_ok(name, name_len) || !born_ok(born, born_len))
		return EMR_INVALID;
	*out_len = (size_t)snprintf(label, EMR_CARD_LABEL_MAX + 1, "%s\t%s", name, born);
	return EMR_OK;
}

static bool split_label(emr_bytes label, emr_card *card)
{
	const char *text = (const char *)label.data;
	const char *tab = label.len > 0 ? memchr(text, '\t', label.len) : NULL;
	size_t name_len;
	size_t born_len;

	if (tab == NULL)
		return false;
	name_len = (size_t)(tab - text);
	born_len = label.len - name_len - 1;
	if (!emr_shown_name_ok(text, name_len) || !born_ok(tab + 1, born_len))
		return false;
	memcpy(card->name, text, name_len);
	memcpy(card->born, tab + 1, born_len);
	return true;
}

/* ---- Making ---- */

/* Everything before the signatures. */
static emr_status write_body(
	const emr_card *card, const char *label, size_t label_len, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	if (label_len > 0 && card->expires <= card->issued)
		return EMR_INVALID;
	emr_write_bytes(&w, "EMCD\1", 5);
	emr_write_u8(&w, (uint8_t)card->kind);
	emr_write_u16(&w, 0);
	emr_write_bytes(&w, card->net_id.b, 16);
	emr_write_bytes(&w, card->id_pk, 32);
	emr_write_bytes(&w, card->x25519, 32);
	emr_write_bytes(&w, card->B, 32);
	emr_write_bytes(&w, card->domain_id.b, 16);
	emr_write_bytes(&w, card->dom_pk, 32);
	emr_write_u64(&w, card->issued);
	emr_write_u64(&w, card->expires);
	emr_write_u8(&w, (uint8_t)label_len);
	emr_write_bytes(&w, label, label_len);
	return w.status;
}

static emr_status sign_body(const emr_keyring *kr, const emr_signer *domain, emr_buf *card)
{
	emr_bytes body = emr_buf_view(card);
	uint8_t sigs[128];

	EMR_TRY(emr_keyring_sign(kr, emr_signer_identity(), EMR_SIGN_CARD, body, sigs));
	if (domain != NULL)
		EMR_TRY(emr_keyring_sign(kr, *domain, EMR_SIGN_CARD_DOM, body, sigs + 64));
	return emr_buf_append(card, sigs, domain != NULL ? 128 : 64);
}

static emr_status card_make(const emr_keyring *kr, const emr_card *card, const emr_signer *domain,
	const char *name, const char *born, emr_buf *out)
{
	EMR_AUTO_BUF made = {0};
	char label[EMR_CARD_LABEL_MAX + 1];
	size_t label_len = 0;

	EMR_TRY(name != NULL ? join_label(name, born, label, &label_len) : EMR_OK);
	EMR_TRY(write_body(card, label, label_len, &made));
	EMR_TRY(sign_body(kr, domain, &made));
	return emr_buf_append(out, made.data, made.len);
}

emr_status emr_card_make_person(const emr_keyring *kr, emr_id16 net_id, uint64_t issued,
	uint64_t expires, const char *name, const char *born, emr_buf *out)
{
	emr_card card = {
		.kind = EMR_CARD_PERSON, .net_id = net_id, .issued = issued, .expires = expires};
	emr_public public;

	EMR_TRY(emr_keyring_public(kr, &public));
	memcpy(card.id_pk, public.pk, 32);
	memcpy(card.x25519, public.x25519, 32);
	memcpy(card.B, public.B, 32);
	return card_make(kr, &card, NULL, name, born, out);
}

emr_status emr_card_make_domain(const emr_keyring *kr, emr_id16 net_id, emr_id16 domain_id,
	uint32_t gen, uint32_t epoch, uint64_t issued, uint64_t expires, const char *name,
	const char *born, emr_buf *out)
{
	emr_card card = {.kind = EMR_CARD_DOMAIN,
		.net_id = net_id,
		.domain_id = domain_id,
		.issued = issued,
		.expires = expires};
	emr_signer signer = emr_signer_domain(domain_id, gen);
	emr_domain_public domain;
	emr_public public;

	EMR_TRY(emr_keyring_public(kr, &public));
	EMR_TRY(emr_keyring_domain_public(kr, domain_id, gen, epoch, &domain));
	memcpy(card.id_pk, public.pk, 32);
	memcpy(card.x25519, domain.box, 32);
	memcpy(card.B, domain.A, 32);
	memcpy(card.dom_pk, domain.owner_pk, 32);
	return card_make(kr, &card, &signer, name, born, out);
}

/* ---- Reading ---- */

/* A person's card has no domain; a domain's has one. */
static bool kind_ok(const emr_card *card)
{
	bool no_domain = emr_id16_is_zero(card->domain_id) && sodium_is_zero(card->dom_pk, 32);

	switch (card->kind) {
	case EMR_CARD_PERSON:
		return no_domain;
	case EMR_CARD_DOMAIN:
		return !emr_id16_is_zero(card->domain_id) && !sodium_is_zero(card->dom_pk, 32);
	}
	return false;
}

static emr_status check_signatures(const emr_card *card, emr_bytes body, const uint8_t *sigs)
{
	EMR_TRY(emr_sign_verify(card->id_pk, EMR_SIGN_CARD, body, sigs));
	if (card->kind == EMR_CARD_DOMAIN)
		EMR_TRY(emr_sign_verify(card->dom_pk, EMR_SIGN_CARD_DOM, body, sigs + 64));
	return EMR_OK;
}

/* A bare one has no label, and was over when it was made. */
static emr_status read_card(emr_bytes bytes, bool is_bare, emr_card *out)
{
	emr_reader r = emr_reader_of(bytes);
	emr_card card = {0};
	emr_bytes sigs;
	emr_bytes label;

	if (bytes.len > 4 && memcmp(bytes.data, "EMCD", 4) == 0 && bytes.data[4] > 1)
		return emr_newer_format(bytes.data[4], 1);
	emr_read_magic(&r, "EMCD\1");
	card.kind = emr_read_u8(&r);
	emr_read_zeros(&r, 2);
	emr_read_copy(&r, card.net_id.b, 16);
	emr_read_copy(&r, card.id_pk, 32);
	emr_read_copy(&r, card.x25519, 32);
	emr_read_copy(&r, card.B, 32);
	emr_read_copy(&r, card.domain_id.b, 16);
	emr_read_copy(&r, card.dom_pk, 32);
	card.issued = emr_read_u64(&r);
	card.expires = emr_read_u64(&r);
	label = emr_read_bytes(&r, emr_read_u8(&r));
	sigs = emr_read_bytes(&r, card.kind == EMR_CARD_DOMAIN ? 128 : 64);
	if (!emr_reader_done(&r) || label.len > EMR_CARD_LABEL_MAX ||
		(is_bare ? label.len != 0 || card.kind != EMR_CARD_DOMAIN
			 : !split_label(label, &card) || card.expires <= card.issued) ||
		!kind_ok(&card) || !emr_r255_point_ok(card.B) || sodium_is_zero(card.x25519, 32))
		return EMR_DAMAGED;
	EMR_TRY(check_signatures(
		&card, emr_bytes_of(bytes.data, CARD_HEAD_BYTES + label.len), sigs.data));
	emr_sha256(card.id_pk, 32, card.signer_id.b);
	*out = card;
	return EMR_OK;
}

emr_status emr_card_read(emr_bytes bytes, emr_card *out)
{
	return read_card(bytes, false, out);
}

emr_status emr_card_read_bare(emr_bytes bytes, emr_card *out)
{
	return read_card(bytes, true, out);
}

/* Of the card that BYTES begin with; 0: none of that size is there. */
static size_t first_card(emr_bytes bytes)
{
	size_t len;

	if (bytes.len < CARD_HEAD_BYTES + 64)
		return 0;
	len = CARD_HEAD_BYTES + (size_t)bytes.data[CARD_HEAD_BYTES - 1] +
	      (bytes.data[5] == EMR_CARD_DOMAIN ? 128 : 64);
	return len <= EMR_CARD_MAX && len <= bytes.len ? len : 0;
}

emr_status emr_card_first(emr_bytes bytes, emr_bytes *out_card)
{
	emr_bytes inbox;

	EMR_TRY(emr_card_inbox(bytes, &inbox));
	*out_card = emr_bytes_of(bytes.data, bytes.len - inbox.len);
	return EMR_OK;
}

emr_status emr_card_inbox(emr_bytes bytes, emr_bytes *out_inbox)
{
	size_t len = first_card(bytes), more = 0;
	emr_bytes rest;

	if (len == 0)
		return EMR_DAMAGED;
	rest = emr_bytes_of(bytes.data + len, bytes.len - len);
	if (rest.len > 4 && memcmp(rest.data, "EMCD", 4) == 0) {
		more = first_card(rest);
		if (more == 0 || rest.data[5] != EMR_CARD_DOMAIN ||
			bytes.data[5] != EMR_CARD_PERSON)
			return EMR_DAMAGED;
	}
	if (rest.len != more)
		return EMR_DAMAGED;
	*out_inbox = emr_bytes_of(rest.data, more);
	return EMR_OK;
}

emr_status emr_card_inbox_read(emr_bytes bytes, const emr_card *person, emr_card *out_inbox)
{
	emr_card inbox;
	emr_bytes card;

	EMR_TRY(emr_card_inbox(bytes, &card));
	if (card.len == 0)
		return EMR_NOT_FOUND;
	EMR_TRY(emr_card_read(card, &inbox));
	if (memcmp(inbox.id_pk, person->id_pk, sizeof inbox.id_pk) != 0 ||
		!emr_id16_equal(inbox.net_id, person->net_id))
		return EMR_BAD_SIGNATURE;
	*out_inbox = inbox;
	return EMR_OK;
}

/* ---- Numbers ---- */

void emr_key_code(emr_id32 id, size_t letters, char out[EMR_KEY_CODE_MAX + 1])
{
	emr_base32(id.b, sizeof id.b, out);
	for (char *at = out; *at != '\0'; at++)
		*at = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
	out[letters < EMR_KEY_CODE_MAX ? letters : EMR_KEY_CODE_MAX] = '\0';
}

static void bundle_of(const emr_card *card, bool changing, uint8_t out[96])
{
	memcpy(out, card->id_pk, 32);
	if (changing)
		memset(out + 32, 0, 32);
	else
		memcpy(out + 32, card->x25519, 32);
	memcpy(out + 64, card->B, 32);
}

emr_status emr_card_safety_number(const emr_card *one, bool one_changing, const emr_card *other,
	bool other_changing, char out[EMR_SAFETY_NUMBER_CHARS])
{
	uint8_t bundles[2][96];

	if (one->kind != EMR_CARD_PERSON || other->kind != EMR_CARD_PERSON)
		return EMR_INVALID;
	bundle_of(one, one_changing, bundles[0]);
	bundle_of(other, other_changing, bundles[1]);
	emr_safety_number(bundles[0], bundles[1], out);
	return EMR_OK;
}
