/* This file finds the certificates of a person whose key ends, and takes them out of use with it:
 * the revoked person still has them, and could register another key. Certificates before a renewal
 * count, and so do other keys that one of them vouched for, and certificates that the authority
 * gave by the same name and that the ledger has not seen. */
#include "org_private.h"

#include <string.h>

#include "base/clock.h"
#include "contract/codes.h"
#include "contract/item.h"
#include "ledger/act.h"

typedef struct ending {
	const emr_bureau *bureau;
	const emr_staff_member *who;
	emr_buf certificates; /* emr_id32: SHA-256 of each, all that the ledger knows of her */
	emr_buf keys;	      /* emr_id32: those that one of them vouched for */
} ending;

static void ending_free(ending *e)
{
	emr_buf_free(&e->certificates);
	emr_buf_free(&e->keys);
}

static bool has_id(const emr_buf *ids, const uint8_t id[32])
{
	return emr_buf_has(ids, emr_bytes_of(id, 32));
}

/* Appends the certificates that PERSON's items name, each once.  A computer's may name who endorsed
 * it, which is none. */
static emr_status find_vouchers(
	emr_replica *replica, const emr_known_person *person, emr_buf *out_refs)
{
	EMR_ASK(asked, replica, HISTORY, .family = EMR_FAMILY_KEY,
		.object = EMR_ID16_AT(person->signer_id.b));
	emr_replica_item item;

	while (emr_next(&asked, &item)) {
		emr_span pub = {item.bytes.data + EMR_ITEM_BYTES, item.bytes.len - EMR_ITEM_BYTES};
		const uint8_t *ref = NULL;
		emr_known_person endorser;
		emr_pub_key_cert cert;
		emr_pub_key_reg reg;
		emr_status status;

		if (item.op == EMR_OP_KEY_REG && emr_pub_key_reg_parse(pub, &reg) &&
			reg.how == EMR_HOW_CERTIFICATE)
			ref = reg.ref;
		if (item.op == EMR_OP_KEY_CERT && emr_pub_key_cert_parse(pub, &cert))
			ref = cert.ref;
		if (ref == NULL || has_id(out_refs, ref))
			continue;
		status = emr_replica_person(replica, EMR_ID32_AT(ref), &endorser);
		if (status == EMR_NOT_FOUND)
			status = emr_buf_append(out_refs, ref, 32);
		EMR_TRY(status);
	}
	return asked.status;
}

/* Another key of her chain, or one that a certificate of hers vouched for, brings its own. */
static emr_status join_vouchers(ending *e, const emr_known_person *person)
{
	bool is_hers = memcmp(person->row.root, e->who->person.row.root, 32) == 0;
	EMR_AUTO_BUF refs = {0};

	if (memcmp(person->row.org, e->bureau->org.b, 16) != 0 ||
		has_id(&e->keys, person->signer_id.b))
		return EMR_OK;
	EMR_TRY(find_vouchers(e->bureau->session.replica, person, &refs));
	EMR_EACH (const emr_id32, ref, &refs)
		is_hers = is_hers || has_id(&e->certificates, ref->b);
	if (!is_hers)
		return EMR_OK;
	EMR_EACH (const emr_id32, ref, &refs)
		if (!has_id(&e->certificates, ref->b))
			EMR_TRY(emr_buf_append(&e->certificates, ref->b, 32));
	return emr_buf_append(&e->keys, person->signer_id.b, 32);
}

/* ---- what is to be sent ---- */

static emr_status add_certificate(const ending *e, const uint8_t ref[32], emr_buf *acts)
{
	emr_act act = emr_act_cert_revoke(e->bureau->org, ref);
	EMR_AUTO_BUF row = {0};
	emr_key_text key;
	emr_status status;

	emr_key_certificate(e->bureau->org.b, ref, &key);
	status = emr_replica_state_get(e->bureau->session.replica, key.text, &row);
	return status == EMR_NOT_FOUND ? emr_buf_append(acts, &act, sizeof act) : status;
}

/* Hers, and others in force; a later key of her own chain is not the one that was named. */
static emr_status add_key(const ending *e, emr_id32 id, emr_buf *acts, size_t *io_others)
{
	emr_act act = emr_act_key_revoke(id, emr_clock_unix_s(emr_clock_system()), 0);
	bool is_hers = emr_id32_equal(id, e->who->person.signer_id);
	emr_known_person one;

	EMR_TRY(emr_replica_person(e->bureau->session.replica, id, &one));
	if (one.row.head.state == EMR_KEY_REVOKED ||
		(!is_hers && (one.row.head.state != EMR_KEY_ACTIVE ||
				     memcmp(one.row.root, e->who->person.row.root, 32) == 0)))
		return EMR_OK;
	*io_others += !is_hers;
	return emr_buf_append(acts, &act, sizeof act);
}

emr_status emr_staff_ended_through(
	const emr_bureau *bureau, const char *handle, uint64_t *out_unix_s)
{
	uint8_t enrolment[32];
	EMR_AUTO_BUF value = {0};
	emr_row_enrolment row;
	emr_key_text key;

	emr_enrolment_id(bureau->org.b, handle, enrolment);
	emr_key_enrolment(bureau->org.b, enrolment, &key);
	EMR_TRY(emr_replica_state_get(bureau->session.replica, key.text, &value));
	if (emr_row_enrolment_parse((emr_span){value.data, value.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	*out_unix_s = row.through_unix_s;
	return EMR_OK;
}

/* Certificates that the authority gave and no ledger has seen are in nobody's list but by the
 * person's name; another key in force that has this name, as the ledger tells names apart, is then
 * renewed, too. */
static emr_status add_name(const ending *e, emr_buf *acts)
{
	const char *handle = e->who->handle;
	emr_act act = emr_act_enrol_revoke(e->bureau->org, handle, UINT64_MAX);
	uint8_t enrolment[32], theirs[32];
	uint64_t through = 0;
	emr_staff_member m;
	emr_status status = emr_staff_ended_through(e->bureau, handle, &through);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	emr_enrolment_id(e->bureau->org.b, handle, enrolment);
	EMR_ASK(asked, e->bureau->session.replica, PEOPLE);
	while (emr_staff_next(&asked, e->bureau, &m)) {
		emr_enrolment_id(e->bureau->org.b, m.handle, theirs);
		if (m.is_active && memcmp(theirs, enrolment, sizeof theirs) == 0 &&
			!has_id(&e->keys, m.person.signer_id.b))
			return EMR_OK;
	}
	EMR_TRY(asked.status);
	return through == UINT64_MAX ? EMR_OK : emr_buf_append(acts, &act, sizeof act);
}

/* Certificates first: an administrator who ends his own key signs nothing behind that. */
emr_status emr_staff_ending(const emr_bureau *bureau, const emr_staff_member *who,
	emr_buf *out_acts, size_t *out_others)
{
	__attribute__((cleanup(ending_free))) ending e = {.bureau = bureau, .who = who};
	emr_known_person person;
	size_t had = 0;

	do {
		EMR_ASK(asked, bureau->session.replica, PEOPLE);
		had = e.keys.len;
		while (emr_next(&asked, &person))
			EMR_TRY(join_vouchers(&e, &person));
		EMR_TRY(asked.status);
	} while (e.keys.len > had);
	EMR_EACH (const emr_id32, ref, &e.certificates)
		EMR_TRY(add_certificate(&e, ref->b, out_acts));
	if (who->handle[0] != '\0')
		EMR_TRY(add_name(&e, out_acts));
	EMR_EACH (const emr_id32, id, &e.keys)
		EMR_TRY(add_key(&e, *id, out_acts, out_others));
	return EMR_OK;
}
