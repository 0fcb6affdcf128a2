/* This file is about guardians, who act for a person: who is one, whom the owner's rule lets them
 * open something to, and how a guardian ends what others read. */
#include "share/request.h"

#include <stdlib.h>
#include <string.h>

#include "share/give.h"
#include "share/read.h"
#include "share/strangers.h"
#include "share/write.h"
#include "teams_private.h"

#define LATER_S 600u /* a request comes so long after its end was typed, at most */

/* ---- the owner's ---- */

/* A rule that is not here, or does not open, allows nothing. */
static emr_status read_rule(emr_share *share, emr_guardian_grant *g)
{
	AUTO_GRANT_FACTS facts = {0};
	AUTO_BOX_KEY box = NULL;
	emr_status status = share_grant_facts(share, g->grant.domain, g->grant.grant, &facts);

	g->rule[0] = '\0';
	if (status == EMR_OK)
		status = emr_box_key_domain(share->o.keyring, g->grant.domain, &box);
	if (status == EMR_OK)
		status = emr_grant_rule_open(box, emr_buf_view(&facts.item), &facts.read, g->rule);
	if (status != EMR_OK)
		g->rule[0] = '\0';
	return emr_status_is_local(status) ? status : EMR_OK;
}

emr_status emr_share_guardian_of(
	emr_share *share, emr_id16 domain, emr_id32 root, uint64_t seq, emr_guardian_grant *out)
{
	EMR_AUTO_BUF grants = {0};
	emr_domain_public public;
	emr_row_domain row;
	bool is_any = false, is_hers = false;
	emr_status status = share_own_domain(share, domain, &row, &public);

	if (status != EMR_OK)
		return status == EMR_DENIED ? EMR_NOT_FOUND : status;
	EMR_TRY(EMR_ASK_ALL(&grants, share->o.replica, GRANTS, .domain = domain));
	EMR_EACH (const emr_known_grant, grant, &grants) {
		if ((grant->row.rights & EMR_GRANT_GUARDIAN) == 0 ||
			memcmp(grant->row.grantee, root.b, sizeof root.b) != 0 ||
			(is_any && grant->seq < out->grant.seq) ||
			(seq != 0 ? grant->seq > seq
				  : emr_grant_phase_at(grant, share_now(share)) !=
						EMR_GRANT_IN_FORCE))
			continue;
		EMR_TRY(emr_grant_is_owners(share->o.replica, grant, &is_hers));
		if (!is_hers)
			continue;
		out->grant = *grant;
		is_any = true;
	}
	return is_any ? read_rule(share, out) : EMR_NOT_FOUND;
}

bool emr_guardian_allows(const char *rule, const emr_known_person *reader, uint64_t asked_unix_s,
	uint64_t until_unix_s)
{
	char *at;
	const uint64_t most_s = strtoull(rule, &at, 10);
	bool is_named = false;

	while (*at == ' ' && !is_named) {
		const size_t digits = strcspn(at + 1, " ");
		char text[65] = "";
		uint8_t id[32];

		if (digits < sizeof text)
			memcpy(text, at + 1, digits);
		at += 1 + digits;
		if (digits == 64 && emr_unhex(text, id, 32) == EMR_OK)
			is_named = memcmp(id, reader->row.root, 32) == 0;
		else if (digits == 32 && emr_unhex(text, id, 16) == EMR_OK)
			is_named = memcmp(id, reader->row.org, 16) == 0 &&
				   (reader->row.roles & EMR_ROLE_CLINICIAN) != 0;
	}
	return is_named && until_unix_s <= asked_unix_s + most_s + LATER_S;
}

/* ---- a guardian's ---- */

static bool guardian_is_me(emr_share *share, emr_id16 domain)
{
	emr_row_writer row;

	return share_writer_row(share, domain, share->me.signer_id, &row) == EMR_OK &&
	       row.head.state == EMR_WRITER_ACTIVE && (row.rights & EMR_RIGHT_GUARDIAN) != 0 &&
	       share_now(share) < row.not_after_unix_s;
}

/* Only what ends at one of OF (NULL: all); ENDS has when it would have.
 * Writing first: should the batch not be taken as a whole, it is less that stays. */
static emr_status end_in(emr_share *share, emr_id16 domain, emr_id32 root, const emr_buf *of,
	emr_buf *ends, size_t *io_n)
{
	EMR_AUTO_BUF grants = {0};
	EMR_AUTO_BUF writers = {0};
	AUTO_PARCEL p = {0};

	EMR_TRY(EMR_ASK_ALL(&grants, share->o.replica, GRANTS, .domain = domain));
	EMR_TRY(share_known_writers(share, domain, &root, &writers));
	EMR_TRY(parcel_begin(share, emr_signer_identity(), &p));
	EMR_EACH (const known_writer, writer, &writers) {
		emr_act act = emr_act_writer_del(domain, writer->writer);

		if (!known_writer_is_alive(writer, share_now(share)) ||
			(of != NULL &&
				!emr_buf_has(of, emr_bytes_of(&writer->row.not_after_unix_s, 8))) ||
			(writer->row.rights & (EMR_RIGHT_MANAGE | EMR_RIGHT_GUARDIAN)) != 0)
			continue;
		EMR_TRY(parcel_prepare(&p, &act));
		EMR_TRY(parcel_add(&p, &act, NULL));
	}
	EMR_EACH (const emr_known_grant, grant, &grants) {
		emr_act act = emr_act_revoke(domain, grant->grant, 0);

		if (memcmp(grant->row.grantee, root.b, sizeof root.b) != 0 ||
			(grant->row.rights & (EMR_GRANT_TWO | EMR_GRANT_GUARDIAN)) != 0 ||
			(of != NULL &&
				!emr_buf_has(of, emr_bytes_of(&grant->row.not_after_unix_s, 8))) ||
			!emr_phase_stands(emr_grant_phase_at(grant, share_now(share))))
			continue;
		EMR_TRY(emr_buf_append(ends, &grant->row.not_after_unix_s, 8));
		EMR_TRY(parcel_prepare(&p, &act));
		EMR_TRY(parcel_add(&p, &act, NULL));
	}
	if (emr_batch_count(p.batch) == 0)
		return EMR_OK;
	*io_n += emr_batch_count(p.batch);
	return parcel_send(&p);
}

/* With all that is shared of the folders inside. Of a folder inside another share it is not known
 * here which lie in it: there, those that end with what ends in it, to the second. */
emr_status emr_guardian_end(emr_share *share, emr_id16 domain, emr_id32 root, size_t *out_n)
{
	EMR_AUTO_BUF received = {0};
	EMR_AUTO_BUF ends = {0};
	const emr_received *at = NULL;
	emr_status status;

	*out_n = 0;
	if (!guardian_is_me(share, domain))
		return EMR_DENIED;
	EMR_TRY(emr_share_received(share, &received, NULL));
	status = end_in(share, domain, root, NULL, &ends, out_n);
	EMR_EACH (const emr_received, r, &received)
		if (emr_id16_equal(r->grant.domain, domain) && emr_phase_stands(r->phase) &&
			(r->grant.row.rights & EMR_GRANT_GUARDIAN) != 0)
			at = r;
	EMR_EACH (const emr_received, r, &received)
		if (status == EMR_OK && at != NULL && guardian_is_me(share, r->grant.domain) &&
			emr_id16_equal(r->letter.share_id, at->letter.share_id) &&
			(emr_received_is_inner(r) || !emr_received_is_inner(at)))
			status = end_in(share, r->grant.domain, root,
				emr_received_is_inner(at) ? &ends : NULL, &ends, out_n);
	return status;
}

/* ---- what guardians ended ---- */

emr_status share_guardian_named(
	emr_share *share, emr_id16 domain, emr_id32 signer, uint64_t seq, emr_id32 *out_root)
{
	emr_pub_writer_add terms;
	emr_known_person guardian;
	emr_replica_item item;
	bool is_one = false;
	emr_status status;
	EMR_ASK(items, share->o.replica, HISTORY, .family = EMR_FAMILY_WRITER, .domain = domain,
		.object = EMR_ID16_AT(signer.b));

	*out_root = (emr_id32){{0}};
	while (emr_next(&items, &item)) {
		emr_span pub = {item.bytes.data + EMR_ITEM_BYTES, item.bytes.len - EMR_ITEM_BYTES};

		if (item.op == EMR_OP_WRITER_ADD && item.seq <= seq &&
			emr_pub_writer_add_parse(pub, &terms))
			is_one = (terms.rights & EMR_RIGHT_GUARDIAN) != 0 &&
				 memcmp(terms.writer, signer.b, sizeof signer.b) == 0;
	}
	EMR_TRY(items.status);
	if (!is_one)
		return EMR_OK;
	status = emr_replica_person(share->o.replica, signer, &guardian);
	if (status == EMR_OK)
		*out_root = EMR_ID32_AT(guardian.row.root);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* With a share the right to write ends, too: that is one mark. */
emr_status emr_guardian_mark_of(
	emr_share *share, const emr_replica_change *change, emr_guardian_mark *out)
{
	emr_known_grant grant;
	emr_known_person person;
	EMR_AUTO_BUF writers = {0};
	bool is_anothers = false;

	*out = (emr_guardian_mark){.domain = change->domain};
	EMR_TRY(emr_share_is_anothers(share, change->domain, &is_anothers));
	if (is_anothers)
		return EMR_OK;
	if (change->op == EMR_OP_REVOKE) {
		EMR_TRY(emr_replica_grant(
			share->o.replica, change->domain, change->object, &grant));
		out->person = EMR_ID32_AT(grant.row.grantee);
	}
	EMR_TRY(change->op == EMR_OP_WRITER_DEL
			? share_known_writers(share, change->domain, NULL, &writers)
			: EMR_OK);
	EMR_EACH (const known_writer, writer, &writers)
		if (memcmp(writer->writer.b, change->object.b, sizeof change->object.b) == 0 &&
			(writer->row.rights & EMR_RIGHT_META) == 0 &&
			emr_replica_person(share->o.replica, writer->writer, &person) == EMR_OK &&
			!emr_id32_equal(writer->writer, change->signer_id))
			out->person = EMR_ID32_AT(person.row.root);
	return emr_id32_is_zero(out->person)
		       ? EMR_OK
		       : share_guardian_named(share, change->domain, change->signer_id, change->seq,
				 &out->guardian);
}
