/* This file tells who is in the network, by the ledger as it was at one moment: members with their
 * certificates, administrators, and organisations by their names. */
#include "ledger/copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "chain_private.h"
#include "contract/rows.h"
#include "contract/rows_share.h"
#include "keyring/keyring.h"
#include "keyring/letters.h"
#include "ledger/act.h"
#include "ledger/hash.h"
#include "ledger/restart.h"

#define MEMBERS_MAX 100000 /* of a network */
#define CHAIN_MAX 1000	   /* keys of one person, one after the other */

/* salt[32], length u16, certificate. */
static emr_status certificate_at(emr_chain *chain, const emr_row_key *row, const emr_part_key *key,
	emr_buf *part, emr_bytes *out_der)
{
	emr_reader r;
	emr_status status;

	emr_buf_clear(part);
	status = emr_chain_part(chain, key, part);
	if (status == EMR_NOT_FOUND || status == EMR_MISSING_DATA || status == EMR_DAMAGED)
		return EMR_OK;
	r = emr_reader_of(emr_buf_view(part));
	(void)emr_read_bytes(&r, 32);
	*out_der = emr_read_bytes(&r, emr_read_u16(&r));
	/* Other bytes there are not those that the contract has looked at. */
	if (memcmp(emr_sha256_of(out_der, 1).b, row->ref, 32) != 0)
		*out_der = (emr_bytes){0};
	return status;
}

/* That of the registration, or of the latest renewal that counts. */
static emr_status certificate_of(emr_chain *chain, const emr_row_key *row, emr_id32 signer_id,
	emr_buf *part, emr_bytes *out_der)
{
	emr_part_key key = {.family = row->head.family, .version = row->head.version};

	memcpy(key.object.b, signer_id.b, sizeof key.object.b);
	for (; key.version > 0 && out_der->len == 0; key.version--)
		EMR_TRY(certificate_at(chain, row, &key, part, out_der));
	return EMR_OK;
}

/* A key that followed another keeps its certificate, which stands with one before it. */
static emr_status certificate_in_chain(emr_chain *chain, const emr_row_key *row, emr_id32 signer_id,
	emr_buf *part, emr_bytes *out_der)
{
	emr_id32 at = EMR_ID32_AT(row->root);
	emr_row_key before;

	EMR_TRY(certificate_of(chain, row, signer_id, part, out_der));
	for (int i = 0; out_der->len == 0 && i < CHAIN_MAX && !emr_id32_equal(at, signer_id); i++) {
		EMR_TRY(emr_chain_key_row(chain, at.b, &before, NULL));
		memcpy(before.ref, row->ref, sizeof before.ref);
		EMR_TRY(certificate_of(chain, &before, at, part, out_der));
		at = EMR_ID32_AT(before.next);
	}
	return EMR_OK;
}

emr_status emr_ledger_copy_next_key(emr_ledger_copy *copy, emr_id32 signer, emr_id32 *out_next)
{
	emr_row_key row;

	EMR_TRY(emr_chain_key_row(copy_source(copy), signer.b, &row, NULL));
	if (row.how != EMR_HOW_CERTIFICATE || emr_id32_is_zero(EMR_ID32_AT(row.next)))
		return EMR_NOT_FOUND;
	*out_next = EMR_ID32_AT(row.next);
	return EMR_OK;
}

/* The part stands with the key before, at the version that followed it. */
static emr_status learn_from(
	emr_chain *chain, const emr_row_key *before, emr_id32 id, emr_keyring *keyring)
{
	emr_part_key key = {.family = EMR_FAMILY_KEY, .version = before->head.version};
	EMR_AUTO_BUF part = {0};

	memcpy(key.object.b, id.b, sizeof key.object.b);
	for (; key.version > 0; key.version--) {
		emr_status status;

		emr_buf_clear(&part);
		status = emr_chain_part(chain, &key, &part);
		if (status == EMR_OK)
			status = emr_former_part_open(keyring, emr_buf_view(&part));
		if (status != EMR_NOT_FOUND && status != EMR_MISSING_DATA && status != EMR_DAMAGED)
			return status;
	}
	return EMR_MISSING_DATA;
}

emr_status emr_ledger_copy_former(emr_ledger_copy *copy, emr_keyring *keyring)
{
	emr_chain *chain = copy_source(copy);
	emr_row_key row;
	emr_id32 self, at;

	EMR_TRY(emr_keyring_former_id(keyring, 0, &self));
	EMR_TRY(emr_chain_key_row(chain, self.b, &row, NULL));
	at = EMR_ID32_AT(row.root);
	for (int i = 0; i < CHAIN_MAX && !emr_id32_equal(at, self); i++) {
		EMR_TRY(emr_chain_key_row(chain, at.b, &row, NULL));
		if (emr_id32_equal(EMR_ID32_AT(row.next), self))
			return learn_from(chain, &row, at, keyring);
		at = EMR_ID32_AT(row.next);
	}
	return EMR_NOT_FOUND;
}

static emr_status take_trustees(const emr_chain_rows *rows, const emr_row_trustees *row,
	emr_buf *out_item, emr_buf *out_part)
{
	emr_part_key key = {.family = EMR_FAMILY_TRUSTEES, .version = 1};
	EMR_AUTO_OPENED opened = NULL;
	EMR_AUTO_BUF part = {0};
	emr_item item;
	emr_span pub;
	uint64_t seq;
	uint16_t index;

	if (emr_unhex(rows->key + strlen(rows->prefix), key.object.b, sizeof key.object.b) !=
		EMR_OK)
		return EMR_DAMAGED;
	EMR_TRY(emr_chain_part(rows->chain, &key, &part));
	EMR_TRY(emr_chain_find_item(rows->chain, row->head.item, &seq, &index));
	EMR_TRY(chain_item_at(rows->chain, seq, index, &opened, &item, &pub));
	emr_buf_clear(out_item);
	emr_buf_clear(out_part);
	EMR_TRY(emr_buf_append(out_item, pub.data - EMR_ITEM_BYTES, EMR_ITEM_BYTES + pub.len));
	return emr_buf_append(out_part, part.data, part.len);
}

/* The next row of trustees, no executor's, whose person has her key still. */
static emr_status next_trustees(emr_chain_rows *rows, emr_row_trustees *out, bool *out_is)
{
	emr_row_key key;

	*out_is = false;
	while (!*out_is && emr_chain_next_row(rows)) {
		emr_id16 object;

		if (emr_row_trustees_parse(emr_span_of(rows->value), out) != EMR_CONTRACT_OK ||
			emr_unhex(rows->key + strlen(rows->prefix), object.b, sizeof object.b) !=
				EMR_OK)
			return EMR_DAMAGED;
		if (emr_trustees_is_executor(object.b))
			continue;
		EMR_TRY(emr_chain_key_row(rows->chain, out->identity, &key, NULL));
		*out_is = key.head.state == EMR_KEY_ACTIVE;
	}
	return rows->status;
}

emr_status emr_ledger_copy_trusting(emr_ledger_copy *copy, emr_buf *out)
{
	EMR_AUTO_CHAIN_ROWS rows = {.chain = copy_source(copy), .prefix = "TR/"};
	emr_row_trustees row;
	bool is = false, has;

	for (;;) {
		EMR_TRY(next_trustees(&rows, &row, &is));
		if (!is)
			return EMR_OK;
		has = false;
		EMR_EACH (const emr_id32, owner, out)
			has |= memcmp(owner->b, row.identity, sizeof owner->b) == 0;
		if (!has)
			EMR_TRY(emr_buf_append(out, row.identity, sizeof row.identity));
	}
}

emr_status emr_ledger_copy_trustees(
	emr_ledger_copy *copy, emr_id32 owner, emr_buf *out_item, emr_buf *out_part)
{
	EMR_AUTO_CHAIN_ROWS rows = {.chain = copy_source(copy), .prefix = "TR/"};
	emr_row_trustees row;
	uint64_t newest = 0;
	bool is = false;

	for (;;) {
		EMR_TRY(next_trustees(&rows, &row, &is));
		if (!is)
			return newest > 0 ? EMR_OK : EMR_NOT_FOUND;
		if (memcmp(row.identity, owner.b, sizeof owner.b) != 0 || rows.seq < newest)
			continue;
		EMR_TRY(take_trustees(&rows, &row, out_item, out_part));
		newest = rows.seq;
	}
}

emr_status emr_ledger_copy_members(emr_ledger_copy *copy, emr_buf *out)
{
	EMR_AUTO_CHAIN_ROWS rows = {.chain = copy_source(copy), .prefix = "K/"};
	EMR_AUTO_BUF part = {0};
	emr_row_key row;

	while (emr_chain_next_row(&rows)) {
		emr_ledger_member member = {.certificate = {0}};
		emr_bytes pk = emr_bytes_of(row.pk, sizeof row.pk), der = {0};

		if (emr_row_key_parse(emr_span_of(rows.value), &row) != EMR_CONTRACT_OK)
			return EMR_DAMAGED;
		if (out->len >= MEMBERS_MAX * sizeof member)
			return EMR_LIMIT;
		memcpy(member.pk, row.pk, sizeof member.pk);
		member.is_in_force = row.head.state == EMR_KEY_ACTIVE;
		member.signer_id = emr_sha256_of(&pk, 1);
		EMR_TRY(certificate_in_chain(rows.chain, &row, member.signer_id, &part, &der));
		EMR_TRY(emr_buf_reserve(out, sizeof member));
		EMR_TRY(emr_buf_append(&member.certificate, der.data, der.len));
		EMR_TRY(emr_buf_append(out, &member, sizeof member)); /* there is room */
	}
	return rows.status;
}

void emr_ledger_members_free(emr_buf *members)
{
	EMR_EACH (emr_ledger_member, member, members)
		emr_buf_free(&member->certificate);
	emr_buf_free(members);
}

/* ---- organisations ---- */

emr_status emr_ledger_copy_administrator(emr_ledger_copy *copy, emr_id32 signer, uint8_t out_pk[32],
	uint8_t out_org[16], bool *out_is)
{
	emr_row_key key;
	emr_row_org org;
	emr_status status = emr_chain_key_row(copy_source(copy), signer.b, &key, NULL);

	*out_is = false;
	if (status == EMR_OK)
		status = emr_chain_org_row(copy_source(copy), key.org, &org, NULL);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	memcpy(out_pk, key.pk, sizeof key.pk);
	memcpy(out_org, key.org, sizeof key.org);
	*out_is = key.head.state == EMR_KEY_ACTIVE && (key.roles & EMR_ROLE_ORG_ADMIN) != 0 &&
		  org.head.state == EMR_ORG_MEMBER;
	return EMR_OK;
}

emr_status emr_ledger_copy_network(emr_ledger_copy *copy, emr_row_network *out_row)
{
	EMR_AUTO_BUF row = {0};
	emr_key_text key;

	emr_key_network(&key);
	EMR_TRY(emr_chain_row(copy_source(copy), key.text, &row, NULL, NULL));
	return emr_row_network_parse(emr_span_of(emr_buf_view(&row)), out_row) == EMR_CONTRACT_OK
		       ? EMR_OK
		       : EMR_DAMAGED;
}

/* Where names of organisations go. */
typedef struct naming {
	emr_chain *chain;
	const emr_buf *orgs; /* of emr_restart_org: those that are not heard; NULL: all */
	char *out;
	size_t size;
} naming;

static bool is_named(const naming *n, const uint8_t org[16])
{
	if (n->orgs != NULL)
		EMR_EACH (const emr_restart_org, one, n->orgs)
			if (memcmp(one->id.b, org, sizeof one->id.b) == 0)
				return !one->is_heard;
	return n->orgs == NULL;
}

static emr_status add_name(
	const naming *n, const uint8_t org[16], const uint8_t ca_hash[32], emr_bytes name)
{
	const size_t len = strlen(n->out);
	emr_row_org row;

	EMR_TRY(emr_chain_org_row(n->chain, org, &row, NULL));
	if (row.head.state == EMR_ORG_MEMBER && is_named(n, org) &&
		memcmp(row.ca_hash, ca_hash, 32) == 0 && name.len > 0)
		(void)snprintf(n->out + len, n->size - len, "%s%.*s", len > 0 ? ", " : "",
			(int)name.len, (const char *)name.data);
	return EMR_OK;
}

/* Anybody may propose anything: what was carried counts, with the authority that holds. */
static emr_status add_admitted(const naming *n, const emr_chain_rows *rows)
{
	emr_part_key at = {.family = EMR_FAMILY_ORG, .version = 1};
	EMR_AUTO_BUF part = {0};
	emr_row_proposal row;
	emr_bytes name, ca;

	if (emr_row_proposal_parse(emr_span_of(rows->value), &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	if (row.kind != EMR_PROPOSAL_ADMIT || row.head.state != EMR_PROPOSAL_DONE)
		return EMR_OK;
	EMR_TRY(emr_unhex(rows->key + 2, at.object.b, sizeof at.object.b));
	if (emr_chain_part(rows->chain, &at, &part) != EMR_OK ||
		emr_proposal_admit_read(emr_buf_view(&part), &name, &ca) != EMR_OK ||
		memcmp(emr_sha256_of(&ca, 1).b, row.aux, sizeof row.aux) != 0)
		return EMR_OK;
	return add_name(n, row.org, row.aux, name);
}

emr_status emr_ledger_copy_orgs(
	emr_ledger_copy *copy, const emr_buf *awaited, char *out, size_t size)
{
	const naming n = {copy_source(copy), awaited, out, size};
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_CHAIN_ROWS rows = {.chain = n.chain, .prefix = "P/"};
	emr_descriptor descriptor;
	emr_descriptor_org one;

	out[0] = '\0';
	EMR_TRY(emr_ledger_copy_descriptor(copy, &bytes));
	if (emr_descriptor_parse(emr_span_of(emr_buf_view(&bytes)), &descriptor) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	for (size_t i = 0; i < descriptor.norg; i++) {
		emr_bytes ca;

		if (emr_descriptor_org_at(&descriptor, i, &one) != EMR_CONTRACT_OK)
			return EMR_DAMAGED;
		ca = emr_bytes_of(one.ca_der.data, one.ca_der.len);
		EMR_TRY(add_name(&n, one.org, emr_sha256_of(&ca, 1).b,
			emr_bytes_of(one.name.data, one.name.len)));
	}
	while (emr_chain_next_row(&rows))
		EMR_TRY(add_admitted(&n, &rows));
	return rows.status;
}

emr_status emr_ledger_copy_heard(
	emr_ledger_copy *copy, int host_dirfd, emr_id16 recovery, emr_buf *out_orgs)
{
	EMR_AUTO_FREE emr_restart *restart = calloc(1, sizeof *restart);

	EMR_TRY(restart != NULL ? EMR_OK : EMR_NO_MEMORY);
	restart->said.recovery = recovery;
	EMR_TRY(emr_chain_size(copy_source(copy), &restart->said.size));
	EMR_TRY(emr_restart_said_gather(host_dirfd, copy_source(copy), restart));
	return emr_restart_orgs(restart, copy_source(copy), out_orgs);
}
