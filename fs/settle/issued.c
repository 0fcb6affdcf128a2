/* Each author numbers the statements that are signed for one patient. This file reads these numbers
 * from the versions that are here and tells which are missing. */
#include "settle/issued.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	EMR_SORT(numbers, n, by_number);
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

/* ---- one version ---- */

typedef struct said {
	emr_id32 signer;
	bool is_his, is_unread;
	uint64_t number; /* 0: none */
	emr_place place;
} said;

static emr_status check(emr_facts *facts, const uint8_t patient_pk[32], said *s, emr_bundle *bundle)
{
	emr_known_person person;
	emr_content_key *key = NULL;
	emr_status status = emr_replica_person(facts->replica, s->signer, &person);
	const emr_statement_expect expect = {.patient_pk = patient_pk,
		.r_pid = s->place.r_pid,
		.record_id = s->place.record_id,
		.cver = s->place.cver,
		.issuer_key = emr_bytes_of(person.row.pk, sizeof person.row.pk)};
	const bool is_known = status == EMR_OK;

	if (status == EMR_OK || status == EMR_NOT_FOUND)
		status = facts_open_bundle(facts, &s->place, bundle, &key);
	emr_content_key_free(key);
	s->is_his = status == EMR_OK && is_known && bundle->has_statement &&
		    memcmp(bundle->statement.issuer_id, s->signer.b, 32) == 0 &&
		    emr_statement_check(bundle, &expect) == EMR_STATEMENT_VALID;
	s->number = s->is_his ? bundle->statement.issuer_seq : 0;
	return status;
}

/* A record that cannot be read is counted as such. */
static emr_status read_number(emr_facts *facts, const uint8_t patient_pk[32],
	const emr_replica_listing *put, emr_buf *out_said)
{
	const emr_replica_head at = {.domain = put->domain,
		.object = put->object,
		.version = put->item.version,
		.pversion = put->item.version};
	EMR_AUTO_BUF plain = {0};
	emr_bundle *bundle = calloc(1, sizeof *bundle);
	said s = {.signer = put->item.signer_id};
	emr_meta meta;
	emr_status status = bundle != NULL ? facts_read(facts, &at, &s.place, &plain, &meta, NULL)
					   : EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = check(facts, patient_pk, &s, bundle);
	free(bundle);
	s.is_unread = facts_is_damage(status);
	return status == EMR_OK || s.is_unread ? emr_buf_append(out_said, &s, sizeof s) : status;
}

/* Not in the annex: nobody else wrote where there was nobody else. */
static emr_status look_at_domain(
	emr_facts *facts, const uint8_t patient_pk[32], emr_id16 domain, emr_buf *out_said)
{
	emr_row_domain row;
	emr_replica_listing at;
	bool is_owner = false;

	EMR_TRY(emr_domain_row(facts->replica, domain, &row));
	EMR_ASK(asked, facts->replica, RECENT_IN, .domain = domain);
	while (emr_next(&asked, &at)) {
		if (at.result != EMR_RESULT_APPLIED || at.family != EMR_FAMILY_OBJECT ||
			at.item.op != EMR_OP_PUT || facts_is_carried(facts, 0, at.item.seq))
			continue;
		EMR_TRY(emr_signed_is_owner(facts->replica, domain, row.owner_pk, patient_pk,
			at.item.signer_id, &is_owner));
		EMR_TRY(is_owner ? EMR_OK : read_number(facts, patient_pk, &at, out_said));
	}
	return asked.status;
}

/* ---- all of them ---- */

static int by_signer(const void *a, const void *b)
{
	const said *x = a, *y = b;

	return memcmp(x->signer.b, y->signer.b, sizeof x->signer);
}

/* ALL[0] and those behind it of the same signer, *OUT_N together. */
static emr_status tell_issued(emr_facts *facts, emr_bytes descriptor, const said *all, size_t n,
	size_t *out_n, emr_buf *out_issued)
{
	emr_issued issued = {.issuer = all->signer};
	emr_whose whose = {.is_gap = false};
	EMR_AUTO_BUF numbers = {0};
	const emr_place *example = NULL; /* one that was read, for his name */
	emr_status status = EMR_OK;

	for (*out_n = 0; *out_n < n && by_signer(all, all + *out_n) == 0; ++*out_n) {
		const said *s = all + *out_n;

		issued.unread += s->is_unread;
		if (s->is_his)
			example = &s->place;
		if (s->number != 0)
			EMR_TRY(emr_buf_append(&numbers, &s->number, sizeof s->number));
	}
	emr_issued_compare(
		(uint64_t *)(void *)numbers.data, numbers.len / sizeof(uint64_t), &issued.gap);
	if (issued.gap.missing == 0)
		return EMR_OK;
	if (example != NULL)
		status = emr_facts_whose(facts, descriptor, example, &whose);
	if (status != EMR_OK && !facts_is_damage(status))
		return status;
	snprintf(issued.by, sizeof issued.by, "%s", whose.is.by);
	snprintf(issued.organisation, sizeof issued.organisation, "%s", whose.is.organisation);
	return emr_buf_append(out_issued, &issued, sizeof issued);
}

emr_status emr_issued_gaps(emr_facts *facts, emr_bytes descriptor, emr_buf *out_issued)
{
	EMR_AUTO_BUF own = {0};
	EMR_AUTO_BUF all = {0};
	uint8_t patient_pk[32];
	size_t n;

	EMR_TRY(emr_keyring_person_pk(facts->keyring, patient_pk));
	EMR_TRY(emr_replica_own_domains(facts->replica, &own));
	EMR_EACH (const emr_id16, domain, &own)
		EMR_TRY(look_at_domain(facts, patient_pk, *domain, &all));
	emr_buf_sort(&all, sizeof(said), by_signer);
	for (size_t at = 0; at < all.len / sizeof(said); at += n)
		EMR_TRY(tell_issued(facts, descriptor, (const said *)(const void *)all.data + at,
			all.len / sizeof(said) - at, &n, out_issued));
	return EMR_OK;
}
