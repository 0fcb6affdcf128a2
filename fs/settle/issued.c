/* Each author numbers the statements that are signed for one patient. This file reads these numbers
 * from the versions that are here and tells which are missing. */
#include "settle/issued.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "contract/codes.h"
#include "keyring/coowned.h"
#include "settle/whose.h"

#include "facts_private.h"
#include "whose_private.h"

/* ---- numbers ---- */

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* FROM to UNTIL behind what OUT says; false when there is no room for more. */
static bool say_range(char out[EMR_ISSUED_TEXT_BYTES], uint64_t from, uint64_t until)
{
	char range[48];
	size_t len = strlen(out);

	if (from == until)
		snprintf(range, sizeof range, "%s%" PRIu64, len > 0 ? ", " : "", from);
	else
		snprintf(range, sizeof range, "%s%" PRIu64 "-%" PRIu64, len > 0 ? ", " : "", from,
			until);
	if (len + strlen(range) + sizeof ", ..." > EMR_ISSUED_TEXT_BYTES)
		strcpy(range, ", ...");
	memcpy(out + len, range, strlen(range) + 1);
	return strcmp(range, ", ...") != 0;
}

void emr_issued_compare(uint64_t *numbers, size_t n, emr_issued_gap *out)
{
	bool has_room = true;

	*out = (emr_issued_gap){.here = 0};
	if (n > 0)
		qsort(numbers, n, sizeof *numbers, by_number);
	for (size_t i = 0; i < n; i++) {
		if (numbers[i] == out->last)
			continue;
		if (numbers[i] - out->last > 1 && has_room)
			has_room = say_range(out->numbers, out->last + 1, numbers[i] - 1);
		out->here++;
		out->last = numbers[i];
	}
	out->missing = out->last - out->here;
}

/* ---- one signer ---- */

typedef struct signer {
	emr_id32 id;
	uint8_t pk[32];
	bool is_known;
	emr_buf numbers; /* u64, ... */
	uint64_t unread;
	emr_place example; /* one that was read, for his name; pversion 0: none */
} signer;

typedef struct count {
	emr_facts *facts;
	uint8_t patient_pk[32], owner_pk[32]; /* the latter of the domain in hand */
	signer *signers;
	size_t n, cap;
} count;

static emr_status find_signer(count *c, emr_id32 id, signer **out)
{
	emr_known_person person;
	emr_status status;

	for (size_t i = 0; i < c->n; i++)
		if (emr_id32_equal(c->signers[i].id, id)) {
			*out = &c->signers[i];
			return EMR_OK;
		}
	if (emr_array_room(&c->signers, c->n, &c->cap, sizeof *c->signers) != EMR_OK)
		return EMR_NO_MEMORY;
	status = emr_replica_person(c->facts->replica, id, &person);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	*out = &c->signers[c->n++];
	**out = (signer){.id = id, .is_known = status == EMR_OK};
	if (status == EMR_OK)
		memcpy((*out)->pk, person.row.pk, sizeof(*out)->pk);
	return EMR_OK;
}

/* ---- one version ---- */

static emr_status check(const count *c, const signer *s, const emr_place *place, emr_bundle *bundle,
	bool *out_is_his)
{
	const emr_statement_expect expect = {.patient_pk = c->patient_pk,
		.r_pid = place->r_pid,
		.record_id = place->record_id,
		.cver = place->cver,
		.issuer_key = emr_bytes_of(s->pk, sizeof s->pk)};
	emr_content_key *key = NULL;
	emr_status status = facts_open_bundle(c->facts, place, bundle, &key);

	emr_content_key_free(key);
	*out_is_his = status == EMR_OK && s->is_known && bundle->has_statement &&
		      memcmp(bundle->statement.issuer_id, s->id.b, 32) == 0 &&
		      emr_statement_check(bundle, &expect) == EMR_STATEMENT_VALID;
	return status;
}

/* A record that cannot be read is counted as such. */
static emr_status read_number(
	const count *c, signer *s, const emr_replica_head *head, uint64_t version)
{
	const emr_replica_head at = {.domain = head->domain,
		.object = head->object,
		.version = version,
		.pversion = version};
	EMR_AUTO_BUF plain = {0};
	emr_bundle *bundle = calloc(1, sizeof *bundle);
	bool is_his = false;
	emr_place place;
	emr_meta meta;
	emr_status status = bundle != NULL ? facts_read(c->facts, &at, &place, &plain, &meta, NULL)
					   : EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = check(c, s, &place, bundle, &is_his);
	if (status == EMR_OK && is_his && bundle->statement.issuer_seq != 0)
		status = emr_buf_append(&s->numbers, &bundle->statement.issuer_seq,
			sizeof bundle->statement.issuer_seq);
	if (status == EMR_OK && is_his)
		s->example = place;
	free(bundle);
	if (facts_is_damage(status)) {
		s->unread++;
		status = EMR_OK;
	}
	return status;
}

static emr_status look_at_item(count *c, const emr_replica_head *head, const emr_replica_item *item)
{
	bool is_owner = false;
	signer *s;

	if (item->op != EMR_OP_PUT || facts_is_carried(c->facts, item->version, item->seq))
		return EMR_OK;
	EMR_TRY(emr_signed_is_owner(
		c->facts->replica, c->owner_pk, c->patient_pk, item->signer_id, &is_owner));
	if (is_owner)
		return EMR_OK;
	EMR_TRY(find_signer(c, item->signer_id, &s));
	return read_number(c, s, head, item->version);
}

/* Not in the annex: nobody else wrote where there was nobody else. */
static emr_status look_at_domain(count *c, emr_id16 domain)
{
	emr_row_domain row;
	emr_replica_head head;
	emr_replica_item item;

	EMR_TRY(emr_domain_row(c->facts->replica, domain, &row));
	memcpy(c->owner_pk, row.owner_pk, sizeof c->owner_pk);
	EMR_ASK(heads, c->facts->replica, HEADS, .domain = domain);
	while (emr_next(&heads, &head)) {
		EMR_ASK(items, c->facts->replica, HISTORY, .family = EMR_FAMILY_OBJECT,
			.domain = domain, .object = head.object);
		while (emr_next(&items, &item))
			EMR_TRY(look_at_item(c, &head, &item));
		EMR_TRY(items.status);
	}
	return heads.status;
}

static emr_status look_at_all(count *c)
{
	EMR_AUTO_BUF own = {0};

	EMR_TRY(emr_keyring_person_pk(c->facts->keyring, c->patient_pk));
	EMR_TRY(emr_replica_own_domains(c->facts->replica, &own));
	EMR_EACH (const emr_id16, domain, &own)
		EMR_TRY(look_at_domain(c, *domain));
	return EMR_OK;
}

/* ---- all of them ---- */

static emr_status tell_issued(
	const count *c, const signer *s, emr_bytes descriptor, emr_buf *out_issued)
{
	emr_issued issued = {.issuer = s->id, .unread = s->unread};
	emr_whose whose = {.is_gap = false};
	emr_status status = EMR_OK;

	emr_issued_compare((uint64_t *)(void *)s->numbers.data, s->numbers.len / sizeof(uint64_t),
		&issued.gap);
	if (issued.gap.missing == 0)
		return EMR_OK;
	if (s->example.pversion != 0)
		status = emr_facts_whose(c->facts, descriptor, &s->example, &whose);
	if (status != EMR_OK && !facts_is_damage(status))
		return status;
	snprintf(issued.by, sizeof issued.by, "%s", whose.is.by);
	snprintf(issued.organisation, sizeof issued.organisation, "%s", whose.is.organisation);
	return emr_buf_append(out_issued, &issued, sizeof issued);
}

emr_status emr_issued_gaps(emr_facts *facts, emr_bytes descriptor, emr_buf *out_issued)
{
	count c = {.facts = facts};
	emr_status status = look_at_all(&c);

	for (size_t i = 0; i < c.n && status == EMR_OK; i++)
		status = tell_issued(&c, &c.signers[i], descriptor, out_issued);
	for (size_t i = 0; i < c.n; i++)
		emr_buf_free(&c.signers[i].numbers);
	free(c.signers);
	return status;
}
