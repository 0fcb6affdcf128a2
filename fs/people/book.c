/* This file is the person's book of cards: it keeps them sealed on this computer and finds who
 * is meant by a name. A name that fits two people, or only the beginning of one, is refused. */
#include "people/book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "keyring/sealed.h"
#include "kit/places.h"
#include "kit/verbs.h"
#include "replica/names.h"
#include "view/received.h"

/* "EMPP" | ver 1 | 0[3] | nonce[24] | XChaCha20-Poly1305 under the local view key, AAD = the first
 * 8 bytes, of u16 n, then for each person u64 added | u64 compared | u8 is_given | u8 who_len | who
 * | u16 card_len | card, then u16 n and n keys[32] of members that were compared
 * without a card, padded with zeros to a multiple of 4,096. */
#define NONCE_BYTES 24
#define TAG_BYTES 16
#define PLAIN_MAX (EMR_BOOK_FILE_MAX - EMR_SEALED_HEAD_BYTES - NONCE_BYTES - TAG_BYTES)
#define PAGE_BYTES 4096

static const uint8_t head[EMR_SEALED_HEAD_BYTES] = {'E', 'M', 'P', 'P', 1, 0, 0, 0};

static void contact_free(emr_contact *contact)
{
	emr_buf_free(&contact->bytes);
}

void emr_book_free(emr_book *book)
{
	for (size_t i = 0; i < book->n; i++)
		contact_free(&book->people[i]);
	free(book->people);
	emr_buf_free(&book->compared);
	*book = (emr_book){0};
}

/* ---- the file ---- */

static emr_status write_people(const emr_book *book, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	emr_write_u16(&w, (uint16_t)book->n);
	for (size_t i = 0; i < book->n; i++) {
		const emr_contact *c = &book->people[i];

		emr_write_u64(&w, c->added_unix_s);
		emr_write_u64(&w, c->compared_unix_s);
		emr_write_u8(&w, c->is_given);
		emr_write_u8(&w, (uint8_t)strlen(c->who));
		emr_write_bytes(&w, c->who, strlen(c->who));
		emr_write_u16(&w, (uint16_t)c->bytes.len);
		emr_write_bytes(&w, c->bytes.data, c->bytes.len);
	}
	emr_write_u16(&w, (uint16_t)(book->compared.len / sizeof(emr_id32)));
	emr_write_bytes(&w, book->compared.data, book->compared.len);
	if (w.status == EMR_OK && out->len % PAGE_BYTES != 0)
		emr_write_zeros(&w, PAGE_BYTES - out->len % PAGE_BYTES);
	return w.status;
}

emr_status emr_book_save(const emr_keyring *keyring, int state_fd, const emr_book *book)
{
	EMR_AUTO_BUF plain = {0};
	emr_status status = write_people(book, &plain);

	if (status == EMR_OK && plain.len > PLAIN_MAX)
		status = EMR_LIMIT;
	if (status == EMR_OK)
		status = emr_sealed_save(
			keyring, state_fd, EMR_STATE_BOOK, head, emr_buf_view(&plain));
	emr_wipe(plain.data, plain.len);
	return status;
}

/* Of every name in a book, also of one that was chosen before a word of ours was taken. */
static bool has_form(const char *who)
{
	return who[0] != '\0' && who[0] != '.' && who[0] != '-' && strpbrk(who, "/@") == NULL &&
	       emr_card_name_ok(who);
}

static emr_status read_person(emr_reader *r, emr_contact *contact)
{
	emr_bytes bytes, card;
	uint8_t given;
	size_t len;

	contact->added_unix_s = emr_read_u64(r);
	contact->compared_unix_s = emr_read_u64(r);
	given = emr_read_u8(r);
	contact->is_given = given == 1;
	len = emr_read_u8(r);
	if (given > 1 || len > EMR_WHO_MAX)
		return EMR_DAMAGED;
	emr_read_copy(r, contact->who, len);
	bytes = emr_read_bytes(r, emr_read_u16(r));
	if (r->bad || strlen(contact->who) != len || !has_form(contact->who))
		return EMR_DAMAGED;
	EMR_TRY(emr_card_first(bytes, &card));
	EMR_TRY(emr_card_read(card, &contact->card));
	return emr_buf_append(&contact->bytes, bytes.data, bytes.len);
}

static emr_status read_people(emr_bytes plain, emr_book *out_book)
{
	EMR_AUTO_BOOK book = {0};
	emr_reader r = emr_reader_of(plain);
	size_t n = emr_read_u16(&r);
	emr_bytes compared;

	if (r.bad || n > EMR_BOOK_PEOPLE_MAX)
		return EMR_DAMAGED;
	book.people = calloc(n + 1, sizeof *book.people);
	if (book.people == NULL)
		return EMR_NO_MEMORY;
	while (book.n < n) {
		emr_status status = read_person(&r, &book.people[book.n++]);

		if (status != EMR_OK)
			return status == EMR_NO_MEMORY ? status : EMR_DAMAGED;
	}
	n = r.left > 0 ? emr_read_u16(&r) : 0;
	if (n > EMR_BOOK_PEOPLE_MAX)
		return EMR_DAMAGED;
	compared = emr_read_bytes(&r, n * sizeof(emr_id32));
	emr_read_zeros(&r, r.left);
	if (!emr_reader_done(&r))
		return EMR_DAMAGED;
	EMR_TRY(emr_buf_append(&book.compared, compared.data, compared.len));
	*out_book = book;
	book = (emr_book){0};
	return EMR_OK;
}

emr_status emr_book_load(const emr_keyring *keyring, int state_fd, emr_book *out_book)
{
	EMR_AUTO_BUF plain = {0};
	emr_status status =
		emr_sealed_load(keyring, state_fd, EMR_STATE_BOOK, head, PLAIN_MAX, &plain);

	if (status == EMR_NOT_FOUND) {
		*out_book = (emr_book){0};
		return EMR_OK;
	}
	if (status == EMR_OK)
		status = read_people(emr_buf_view(&plain), out_book);
	emr_wipe(plain.data, plain.len);
	return status;
}

bool emr_book_has_compared(const emr_book *book, emr_id32 id)
{
	return emr_buf_has(&book->compared, emr_bytes_of(id.b, sizeof id.b));
}

emr_status emr_book_compared(emr_book *book, emr_id32 id, bool is_same)
{
	EMR_AUTO_BUF kept = {0};

	EMR_EACH (const emr_id32, one, &book->compared)
		if (!emr_id32_equal(*one, id))
			EMR_TRY(emr_buf_append(&kept, one->b, sizeof one->b));
	if (is_same)
		EMR_TRY(emr_buf_append(&kept, id.b, sizeof id.b));
	if (kept.len > EMR_BOOK_PEOPLE_MAX * sizeof id)
		return EMR_LIMIT;
	emr_buf_clear(&book->compared);
	return emr_buf_append(&book->compared, kept.data, kept.len);
}

/* ---- names ---- */

bool emr_who_is_code(const char *who)
{
	size_t len = strlen(who);

	return len >= EMR_KEY_CODE_NAMES && len <= EMR_KEY_CODE_MAX &&
	       strspn(who, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz234567") == len;
}

bool emr_who_is_ok(const char *who)
{
	/* Words of the verb, and those that stand for somebody in what emrfs says. */
	static const char *const taken[] = {"card", "add", "check", "you", "the owner", "somebody"};

	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		if (strcasecmp(who, taken[i]) == 0)
			return false;
	}
	return has_form(who) && !emr_who_is_code(who);
}

#define CONTACT_TEXT_BYTES 340
/* "ana (I7Z4KQ2M) [Ana Silva 1984-03-12]", as the directory of what she shares is called. */
static void contact_text(const emr_contact *contact, char out[CONTACT_TEXT_BYTES])
{
	char name[EMR_NAME_MAX + 1], code[EMR_KEY_CODE_MAX + 1];
	bool is_code = emr_key_code_names(contact->card.signer_id, contact->who);

	emr_key_code(contact->card.signer_id, EMR_KEY_CODE_SHOWN, code);
	emr_shared_owner_name(is_code ? "" : contact->who, code, &contact->card, name);
	snprintf(out, CONTACT_TEXT_BYTES, "%s", name);
}

void emr_names_add(const char *name, const char *between, char *out, size_t size)
{
	size_t at = strlen(out);

	if (at + strlen(name) + 3 < size)
		snprintf(out + at, size - at, "%s%s", at > 0 ? between : "", name);
}

/* Names that begin as WHO does, or have few other letters. */
static void list_near(const emr_book *book, const char *who, char *out_names, size_t size)
{
	size_t len = strlen(who);

	out_names[0] = '\0';
	for (size_t i = 0; i < book->n && len > 0; i++) {
		const emr_contact *c = &book->people[i];
		char text[CONTACT_TEXT_BYTES];

		if (strncasecmp(c->who, who, len) == 0 ||
			strncasecmp(c->card.name, who, len) == 0 ||
			emr_args_far(who, c->who) < EMR_ARGS_FAR ||
			emr_args_far(who, c->card.name) < EMR_ARGS_FAR) {
			contact_text(c, text);
			emr_names_add(text, "; ", out_names, size);
		}
	}
}

emr_status emr_book_find(const emr_book *book, const char *who, size_t *out_index, char *out_names,
	size_t names_size)
{
	const bool is_code = emr_who_is_code(who);

	for (size_t i = 0; i < book->n; i++) {
		const emr_contact *c = &book->people[i];

		if (is_code ? emr_key_code_names(c->card.signer_id, who)
			    : strcasecmp(c->who, who) == 0) {
			*out_index = i;
			return EMR_OK;
		}
	}
	list_near(book, who, out_names, names_size);
	return EMR_NOT_FOUND;
}

/* ---- a card comes ---- */

static bool find_key(const emr_book *book, emr_id32 signer_id, size_t *out_index)
{
	for (size_t i = 0; i < book->n; i++) {
		if (memcmp(book->people[i].card.signer_id.b, signer_id.b, sizeof signer_id.b) ==
			0) {
			*out_index = i;
			return true;
		}
	}
	return false;
}

/* As asked; as before; as the card says; so much of the code as names somebody, when the card's
 * name will not do.  Another card changes nothing in whose word it is. */
static emr_status choose_name(const char *who, const emr_contact *known, emr_contact *out)
{
	const emr_card *card = &out->card;
	char code[EMR_KEY_CODE_MAX + 1];

	if (who != NULL && !emr_who_is_ok(who))
		return EMR_INVALID;
	emr_key_code(card->signer_id, EMR_KEY_CODE_NAMES, code);
	out->is_given =
		who != NULL ? strcasecmp(who, card->name) != 0 : known != NULL && known->is_given;
	if (who == NULL && known != NULL)
		who = known->who;
	if (who == NULL)
		who = emr_who_is_ok(card->name) ? card->name : code;
	memcpy(out->who, who, strlen(who) + 1); /* emr_who_is_ok has measured it */
	return EMR_OK;
}

static int by_name(const void *a, const void *b)
{
	const emr_contact *one = a, *other = b;
	int order = strcasecmp(one->who, other->who);

	return order != 0 ? order : memcmp(one->card.signer_id.b, other->card.signer_id.b, 32);
}

static emr_status book_add(emr_book *book, emr_contact *contact)
{
	emr_contact *more;

	if (book->n >= EMR_BOOK_PEOPLE_MAX)
		return EMR_LIMIT;
	more = realloc(book->people, (book->n + 1) * sizeof *more);
	if (more == NULL)
		return EMR_NO_MEMORY;
	book->people = more;
	book->people[book->n++] = *contact;
	*contact = (emr_contact){0};
	return EMR_OK;
}

static emr_book_change replace(emr_contact *known, emr_contact *contact)
{
	bool same_box = memcmp(known->card.x25519, contact->card.x25519, 32) == 0;
	bool is_newer = contact->card.issued > known->card.issued ||
			(contact->card.issued == known->card.issued &&
				contact->bytes.len > known->bytes.len);
	emr_contact old = *known;

	if (!is_newer) {
		memcpy(known->who, contact->who, sizeof known->who);
		known->is_given = contact->is_given;
		return EMR_BOOK_SAME;
	}
	*known = *contact;
	known->added_unix_s = old.added_unix_s;
	known->compared_unix_s = same_box ? old.compared_unix_s : 0;
	*contact = (emr_contact){.bytes = old.bytes};
	return same_box ? EMR_BOOK_RENEWED : EMR_BOOK_REKEYED;
}

static emr_status read_card(emr_bytes bytes, emr_contact *contact)
{
	emr_bytes card;
	emr_card inbox;
	emr_status status =
		bytes.len > EMR_BOOK_CARD_MAX ? EMR_LIMIT : emr_card_first(bytes, &card);

	if (status == EMR_OK)
		status = emr_card_read(card, &contact->card);
	if (status == EMR_OK && contact->card.kind != EMR_CARD_PERSON)
		status = EMR_UNSUPPORTED;
	if (status == EMR_OK)
		status = emr_card_inbox_read(bytes, &contact->card, &inbox);
	if (status == EMR_NOT_FOUND)
		status = EMR_OK; /* made without one */
	return status == EMR_OK ? emr_buf_append(&contact->bytes, bytes.data, bytes.len) : status;
}

emr_status emr_book_put(emr_book *book, emr_bytes card, const char *who, uint64_t now_unix_s,
	size_t *out_index, emr_book_change *out_change)
{
	__attribute__((cleanup(contact_free))) emr_contact contact = {.added_unix_s = now_unix_s};
	size_t index = 0;
	bool is_known;
	emr_id32 id;

	EMR_TRY(read_card(card, &contact));
	id = contact.card.signer_id;
	is_known = find_key(book, id, &index);
	EMR_TRY(choose_name(who, is_known ? &book->people[index] : NULL, &contact));
	for (size_t i = 0; i < book->n; i++) {
		if (strcasecmp(book->people[i].who, contact.who) == 0 &&
			!(is_known && i == index)) {
			*out_index = i;
			return EMR_EXISTS;
		}
	}
	if (!is_known) {
		EMR_TRY(book_add(book, &contact));
		*out_change = EMR_BOOK_ADDED;
	} else
		*out_change = replace(&book->people[index], &contact);
	qsort(book->people, book->n, sizeof *book->people, by_name);
	(void)find_key(book, id, out_index);
	return EMR_OK;
}
