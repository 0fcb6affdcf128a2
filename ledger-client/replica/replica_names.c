/* This file decides how the holder of a key is called: by the certificate that counted at that
 * time, never by the holder's own words, and apart from everybody with whom the holder could be
 * confused. */
#include "replica/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "keyring/card.h"
#include "ledger/hash.h"
#include "replica/ask.h"
#include "replica/people.h"

#include "replica_private.h"

#define ROTATIONS_MAX 64 /* keys in a row; more is no person */
#define FOLDED_MAX 128

/* ---- letters ---- */

/* U+00C0 to U+00FF without their accents (Unicode, Latin-1 Supplement); what has none is left out.
 */
static const char plain_latin[64 + 1] =
	"aaaaaaaceeeeiiiidnooooo ouuuuytsaaaaaaaceeeeiiiidnooooo ouuuuyty";

/* Of two bytes at AT, a letter of Latin-1; 0: none. */
static char latin_letter(const unsigned char *at)
{
	char letter =
		at[0] == 0xc3 && at[1] >= 0x80 && at[1] <= 0xbf ? plain_latin[at[1] - 0x80] : ' ';

	return letter == ' ' ? 0 : letter;
}

void emr_name_fold(const char *text, char *out, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t n = 0;

	for (; *at != '\0' && n + 1 < size; at++) {
		if ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9'))
			out[n++] = (char)*at;
		else if (*at >= 'A' && *at <= 'Z')
			out[n++] = (char)(*at - 'A' + 'a');
		else if (latin_letter(at) != 0)
			out[n++] = latin_letter(at++);
		else if (*at >= 0xc4) /* of other scripts every byte tells */
			out[n++] = (char)*at;
		else if (*at >= 0x80 && n > 0 && (unsigned char)out[n - 1] >= 0x80)
			out[n++] = (char)*at;
	}
	out[n] = '\0';
}

/* Signs that look alike at a glance are alike: 1, i and l; 0 and o; rn and m; vv and w. */
static uint64_t look_of(const char *handle)
{
	char text[FOLDED_MAX];
	emr_bytes bytes = {(const uint8_t *)text, 0};
	uint64_t look;
	emr_id32 hash;

	emr_name_fold(handle, text, sizeof text);
	for (const char *at = text; *at != '\0'; at++) {
		char c = *at == '1' || *at == 'i' ? 'l' : *at == '0' ? 'o' : *at;

		if ((at[0] == 'r' && at[1] == 'n') || (at[0] == 'v' && at[1] == 'v'))
			c = *at++ == 'r' ? 'm' : 'w';
		text[bytes.len++] = c;
	}
	hash = emr_sha256_of(&bytes, 1);
	memcpy(&look, hash.b, sizeof look);
	return look;
}

/* Latin letters, digits and what stands between them: nothing of another script, and nothing that a
 * sentence around it is made of. */
static bool has_plain_letters(const char *handle)
{
	for (const unsigned char *at = (const unsigned char *)handle; *at != '\0'; at++) {
		if (latin_letter(at) != 0)
			at++;
		else if (*at >= 0x80 || strchr("(),;:=\"'@/\\[]{}<>", *at) != NULL)
			return false;
	}
	return true;
}

/* A role, a word that stands for somebody in what emrfs says, or a code. */
static bool is_word_of_ours(const char *handle)
{
	static const char *const words[] = {"you", "theowner", "owner", "somebody", "nobody",
		"everybody", "emrfs", "self", "me"};
	char folded[FOLDED_MAX];
	uint16_t role;

	emr_name_fold(handle, folded, sizeof folded);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(folded, words[i]) == 0)
			return true;
	return emr_roles_parse(folded, &role) == EMR_OK ||
	       (strlen(handle) >= EMR_KEY_CODE_SHOWN &&
		       strspn(handle, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == strlen(handle));
}

static void blank_brackets(char *text)
{
	for (char *at = text; *at != '\0'; at++)
		if (strchr("()[]{}\"", *at) != NULL)
			*at = '_';
}

void emr_name_says(emr_bytes word, const char *name, char *out, size_t size)
{
	out[0] = '\0';
	if (word.len == 0 || word.len >= size || memchr(word.data, '\0', word.len) != NULL ||
		!emr_shown_name_ok((const char *)word.data, word.len))
		return;
	memcpy(out, word.data, word.len);
	out[word.len] = '\0';
	blank_brackets(out);
	if (strcasecmp(out, name) == 0)
		out[0] = '\0';
}

/* ---- the certificates of one person ---- */

typedef struct named {
	emr_part_key at;
	uint8_t ref[32];
	uint64_t seq;
} named;

static emr_status note_certificate(const emr_replica_item *item, emr_buf *out)
{
	named one = {.at = {.family = EMR_FAMILY_KEY, .version = item->version}, .seq = item->seq};
	emr_pub_key_reg reg;
	emr_pub_key_cert cert;
	emr_span pub;

	if (item->bytes.len < EMR_ITEM_BYTES || item->priv_len == 0)
		return EMR_OK;
	pub = (emr_span){item->bytes.data + EMR_ITEM_BYTES, item->bytes.len - EMR_ITEM_BYTES};
	memcpy(one.at.object.b, item->signer_id.b, sizeof one.at.object.b); /* both are its own */
	if (item->op == EMR_OP_KEY_REG && emr_pub_key_reg_parse(pub, &reg))
		memcpy(one.ref, reg.ref, sizeof one.ref);
	else if (item->op == EMR_OP_KEY_CERT && emr_pub_key_cert_parse(pub, &cert))
		memcpy(one.ref, cert.ref, sizeof one.ref);
	else
		return EMR_OK;
	return emr_buf_append(out, &one, sizeof one);
}

/* The certificates of key ID, and the entry that registered it. */
static emr_status read_key(emr_replica *replica, emr_id32 id, emr_buf *out, uint64_t *out_since)
{
	emr_replica_item item;
	EMR_ASK(asked, replica, HISTORY, .family = EMR_FAMILY_KEY, .object = EMR_ID16_AT(id.b));

	*out_since = UINT64_MAX;
	while (emr_next(&asked, &item)) {
		*out_since = item.seq < *out_since ? item.seq : *out_since;
		EMR_TRY(note_certificate(&item, out));
	}
	return asked.status;
}

/* Of PERSON's first key, of the one that followed it, and so on to his own: oldest first. */
static emr_status all_certificates_of(
	emr_replica *replica, const emr_known_person *person, emr_buf *out)
{
	emr_known_person one;
	emr_id32 id = EMR_ID32_AT(person->row.root);

	for (int i = 0; i < ROTATIONS_MAX; i++) {
		uint64_t since;

		EMR_TRY(read_key(replica, id, out, &since));
		if (emr_id32_equal(id, person->signer_id))
			return EMR_OK;
		EMR_TRY(emr_required(emr_replica_person(replica, id, &one)));
		memcpy(id.b, one.row.next, sizeof id.b);
	}
	return EMR_DAMAGED;
}

/* ---- everybody, to be compared with ---- */

typedef struct known {
	emr_id32 id, root; /* of a computer: whose it is */
	uint8_t org[16];
	uint64_t look, since;
	uint64_t called; /* the entry of the certificate with that look */
	bool has_look;
} known;

void names_init(known_names *names)
{
	*names = (known_names){.size = 0};
	(void)pthread_mutex_init(&names->lock, NULL);
}

void names_destroy(known_names *names)
{
	emr_buf_free(&names->all);
	(void)pthread_mutex_destroy(&names->lock);
}

/* FOUND's handle; "" when what it names is not here, or is no certificate. */
static emr_status read_handle(emr_replica *replica, const named *found,
	char out[EMR_CERT_HANDLE_MAX + 1], emr_buf *part, emr_bytes *out_says)
{
	emr_cert_facts facts;
	emr_bytes der;
	emr_status status =
		replica_certificate_at(replica, &found->at, found->ref, part, &der, out_says);

	out[0] = '\0';
	if (status == EMR_OK && emr_cert_read(der, &facts) == EMR_OK)
		memcpy(out, facts.handle, sizeof facts.handle);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status note_known(emr_replica *replica, const emr_known_person *person, emr_buf *all)
{
	EMR_AUTO_BUF list = {0}, part = {0};
	known one = {.id = person->signer_id};
	emr_known_person owner;

	EMR_TRY(read_key(replica, person->signer_id, &list, &one.since));
	memcpy(one.root.b, person->row.root, sizeof one.root.b);
	memcpy(one.org, person->row.org, sizeof one.org);
	if (person->row.how == EMR_HOW_DEVICE &&
		emr_replica_person(replica, EMR_ID32_AT(person->row.ref), &owner) == EMR_OK)
		memcpy(one.root.b, owner.row.root, sizeof one.root.b);
	EMR_TRY(emr_buf_append(all, &one, sizeof one));
	EMR_EACH (const named, found, &list) {
		char handle[EMR_CERT_HANDLE_MAX + 1];
		emr_bytes says;

		emr_buf_clear(&part);
		EMR_TRY(read_handle(replica, found, handle, &part, &says));
		one.has_look = handle[0] != '\0';
		one.look = look_of(handle);
		one.called = found->seq;
		if (one.has_look)
			EMR_TRY(emr_buf_append(all, &one, sizeof one));
	}
	return EMR_OK;
}

/* Whether a key came, went or changed in the entries from FROM on. */
static emr_status has_new_keys(emr_replica *replica, uint64_t from, bool *out_has)
{
	emr_replica_change change;
	EMR_ASK(asked, replica, SINCE, .at = from);

	*out_has = from == 0;
	while (!*out_has && emr_next(&asked, &change))
		*out_has = change.op < EMR_OP_DOMAIN_NEW;
	return asked.status;
}

static emr_status read_all(emr_replica *replica, emr_buf *all)
{
	emr_known_person person;
	EMR_ASK(asked, replica, PEOPLE);

	while (emr_next(&asked, &person))
		EMR_TRY(note_known(replica, &person, all));
	return asked.status;
}

/* Under the lock. */
static emr_status bring_up(emr_replica *replica)
{
	known_names *names = &replica->names;
	EMR_AUTO_BUF all = {0};
	emr_replica_position at;
	bool has;

	EMR_TRY(emr_replica_at(replica, &at));
	if (at.size == names->size)
		return EMR_OK;
	EMR_TRY(has_new_keys(replica, names->size, &has));
	if (has) {
		EMR_TRY(read_all(replica, &all));
		emr_buf_free(&names->all);
		names->all = all;
		all = (emr_buf){0};
	}
	names->size = at.size;
	return EMR_OK;
}

/* Whether another person of ORG has, or had, what looks like HANDLE. */
static bool has_namesake(
	const known_names *names, const uint8_t org[16], emr_id32 root, const char *handle)
{
	uint64_t look = look_of(handle);

	EMR_EACH (const known, one, &names->all)
		if (one->has_look && one->look == look && memcmp(one->org, org, 16) == 0 &&
			!emr_id32_equal(one->root, root))
			return true;
	return false;
}

/* How many keys of others were called so before ROOT was, and one more. Of one entry the lower id
 * is the earlier one. */
static unsigned number_of(const known_names *names, emr_id32 root, const char *handle)
{
	const uint64_t look = look_of(handle);
	uint64_t mine = UINT64_MAX;
	const known *before = NULL;
	unsigned n = 1;

	EMR_EACH (const known, one, &names->all)
		if (emr_id32_equal(one->root, root) && one->has_look && one->look == look &&
			one->called < mine)
			mine = one->called;
	EMR_EACH (const known, one, &names->all) {
		if (!one->has_look || one->look != look || one->called > mine ||
			emr_id32_equal(one->root, root) ||
			(one->called == mine && memcmp(one->root.b, root.b, sizeof root.b) > 0))
			continue;
		n += before == NULL || !emr_id32_equal(before->id, one->id);
		before = one;
	}
	return n;
}

bool emr_key_code_names(emr_id32 id, const char *text)
{
	char code[EMR_KEY_CODE_MAX + 1];
	size_t len = strlen(text);

	emr_key_code(id, EMR_KEY_CODE_MAX, code);
	return len >= EMR_KEY_CODE_NAMES && strncasecmp(code, text, len) == 0;
}

static size_t equal_letters(const char *a, const char *b)
{
	size_t n = 0;

	while (n < EMR_KEY_CODE_MAX && a[n] == b[n])
		n++;
	return n;
}

static void code_of(const known_names *names, emr_id32 id, char out[EMR_KEY_CODE_MAX + 1])
{
	char all[EMR_KEY_CODE_MAX + 1], other[EMR_KEY_CODE_MAX + 1];
	size_t letters = EMR_KEY_CODE_SHOWN;
	uint64_t since = UINT64_MAX;

	emr_key_code(id, EMR_KEY_CODE_MAX, all);
	EMR_EACH (const known, one, &names->all)
		if (since == UINT64_MAX && emr_id32_equal(one->id, id))
			since = one->since;
	EMR_EACH (const known, one, &names->all) {
		/* Each key is there once without a look; 16 bits are fewer than are shown. A later
		 * key changes nothing: it has the longer code. Of those that came in one entry the
		 * lower id is the earlier one. */
		if (one->has_look || one->since > since || memcmp(one->id.b, id.b, 2) != 0 ||
			(one->since == since && memcmp(one->id.b, id.b, sizeof id.b) >= 0))
			continue;
		emr_key_code(one->id, EMR_KEY_CODE_MAX, other);
		if (equal_letters(all, other) >= letters)
			letters = equal_letters(all, other) + 1;
	}
	emr_key_code(id, letters, out);
}

emr_status emr_replica_code(emr_replica *replica, emr_id32 id, char out[EMR_KEY_CODE_MAX + 1])
{
	emr_status status;
	EMR_LOCKED(&replica->names.lock);

	status = bring_up(replica);
	if (status == EMR_OK)
		code_of(&replica->names, id, out);
	return status;
}

/* ---- one name ---- */

/* Which of LIST counted in entry SEQ, and until when; false: there is none. */
static bool choose(const emr_buf *list, uint64_t seq, named *out, emr_known_name *name)
{
	bool has_one = false;

	name->until_seq = UINT64_MAX;
	EMR_EACH (const named, one, list) {
		if (has_one && one->seq > seq) {
			name->until_seq = one->seq;
			break;
		}
		*out = *one;
		name->from_seq = has_one ? one->seq : 0; /* nobody did anything before the first */
		has_one = true;
	}
	return has_one;
}

static emr_status show(emr_replica *replica, const emr_known_person *person, emr_known_name *name)
{
	const emr_id32 root = EMR_ID32_AT(person->row.root);
	char code[EMR_KEY_CODE_MAX + 1], handle[EMR_CERT_HANDLE_MAX + 1];
	bool is_plain;
	EMR_LOCKED(&replica->names.lock);

	EMR_TRY(bring_up(replica));
	memcpy(handle, name->handle, sizeof handle);
	is_plain = emr_shown_name_ok(handle, strlen(handle)) && has_plain_letters(handle) &&
		   !is_word_of_ours(handle);
	name->is_alone = !has_namesake(&replica->names, person->row.org, root, handle);
	name->number = is_plain ? number_of(&replica->names, root, handle) : 0;
	if (is_plain && name->is_alone) {
		(void)snprintf(name->shown, sizeof name->shown, "%s", handle);
		return EMR_OK;
	}
	code_of(&replica->names, root, code);
	if (!emr_shown_name_ok(handle, strlen(handle))) {
		(void)snprintf(name->shown, sizeof name->shown, "%s", code);
		return EMR_OK;
	}
	for (char *at = handle; (at = strpbrk(at, "()[]{},=\"")) != NULL;)
		*at = '_';
	(void)snprintf(name->shown, sizeof name->shown, "%s (%s)", handle, code);
	return EMR_OK;
}

emr_status emr_replica_name(
	emr_replica *replica, emr_id32 signer, uint64_t seq, emr_known_name *out)
{
	EMR_AUTO_BUF list = {0}, part = {0};
	emr_known_name name = {.until_seq = UINT64_MAX};
	emr_known_person person;
	emr_bytes says = {0};
	named found;

	EMR_TRY(emr_replica_person(replica, signer, &person));
	EMR_TRY(all_certificates_of(replica, &person, &list));
	if (choose(&list, seq, &found, &name))
		EMR_TRY(read_handle(replica, &found, name.handle, &part, &says));
	if (name.handle[0] != '\0')
		EMR_TRY(show(replica, &person, &name));
	emr_name_says(says, name.handle, name.says, sizeof name.says);
	*out = name;
	return EMR_OK;
}
