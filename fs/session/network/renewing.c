/* This file renews a member's certificate in steps that may be interrupted: the newer one is
 * fetched and kept aside, the ledger is told of it, and only then it is the member's.  On Fabric
 * what a certificate brings counts only when the ledger names it. */
#include "network/renewing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "contract/codes.h"
#include "kit/language.h"
#include "kit/text.h"
#include "ledger/act_send.h"
#include "ledger/register.h"
#include "network/enrolling.h"
#include "replica/follower.h"
#include "replica/people.h"
#include "session/keys.h"
#include "session/network_dir.h"
#include "session/registered.h"

#define PART_OF_ITS_TIME 3

static emr_status facts_of(const emr_keyring *keyring, emr_cert_facts *out)
{
	EMR_AUTO_BUF chain = {0};

	EMR_TRY(emr_keyring_tlv_get(keyring, EMR_KEYRING_CERTIFICATE, &chain));
	return emr_cert_read(emr_buf_view(&chain), out);
}

/* Into *OUT_BEGAN when the certificate of FACTS was made, as far as anybody says.  A Fabric CA
 * dates what it makes back to the beginning of its own certificate (lib/serverenroll.go of its
 * release 1.5), so that such a date is no news; the ledger was told of the certificate when it was
 * new. */
static emr_status find_beginning(
	const emr_session *session, const emr_cert_facts *facts, uint64_t *out_began)
{
	EMR_AUTO_ORGANISATION org = {.name = ""};
	uint64_t issuer_began = facts->issuer_not_before, told = 0;
	emr_known_person me;
	emr_cert_facts root;
	emr_public public;
	emr_status status = emr_keyring_public(session->keyring, &public);

	*out_began = facts->not_before;
	if (status == EMR_OK)
		status = emr_replica_person(session->replica, public.signer_id, &me);
	if (status == EMR_OK && issuer_began == 0)
		status = emr_replica_organisation(
			session->replica, emr_ledger_descriptor(session->ledger), me.row.org, &org);
	if (status == EMR_OK && issuer_began == 0)
		status = emr_cert_read(emr_buf_view(&org.ca), &root);
	if (status == EMR_OK && issuer_began == 0)
		issuer_began = root.not_before;
	if (status == EMR_OK && facts->not_before <= issuer_began)
		status = emr_replica_certificate_since(session->replica, &me, &told);
	if (status == EMR_OK && told > *out_began)
		*out_began = told < facts->not_after ? told : facts->not_after;
	return status;
}

/* Where nobody says when it was made, its own date has to do. */
static uint64_t due_of(const emr_session *session, const emr_cert_facts *facts)
{
	uint64_t began;
	emr_status status = find_beginning(session, facts, &began);

	if (status != EMR_OK)
		emr_log(EMR_LOG_INFO, "network: when the certificate was made is not known (%s)",
			emr_status_text(status));
	return facts->not_after - (facts->not_after - began) / PART_OF_ITS_TIME + 1;
}

/* Of one's own key, and not over. */
static bool is_usable(const emr_session *session, emr_bytes chain)
{
	emr_public public;
	emr_cert_facts facts;

	return emr_keyring_public(session->keyring, &public) == EMR_OK &&
	       emr_cert_read(chain, &facts) == EMR_OK &&
	       facts.not_after > emr_clock_unix_s(emr_clock_system()) &&
	       memcmp(facts.spki, public.p256_spki, sizeof facts.spki) == 0;
}

static void forget_next(const emr_session *session)
{
	(void)unlinkat(session->state_fd, EMR_STATE_CERTIFICATE_NEXT, 0);
	(void)unlinkat(session->state_fd, EMR_STATE_CERTIFICATE_BATCH, 0);
}

/* Fetched before, when its ledger could not be told, or now. */
static emr_status find_next(emr_session *session, const char *dir, bool is_due_now, emr_buf *out,
	emr_problem *out_problem)
{
	EMR_AUTO_CA_CERTIFICATE got = {{0}, {0}};
	emr_status status = emr_file_read(
		session->state_fd, EMR_STATE_CERTIFICATE_NEXT, EMR_CERT_CHAIN_MAX, out);

	if (status == EMR_OK && is_usable(session, emr_buf_view(out)))
		return EMR_OK;
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	forget_next(session);
	emr_buf_clear(out);
	if (!is_due_now)
		return EMR_NOT_FOUND;
	EMR_TRY(emr_enrol_again(dir, session->keyring, &got, out_problem));
	EMR_TRY(emr_buf_append(out, got.chain.data, got.chain.len));
	return emr_file_replace(
		session->state_fd, EMR_STATE_CERTIFICATE_NEXT, emr_buf_view(out), 0600);
}

/* The name beside the certificate, which the ledger's part repeats. */
static void name_of(const emr_session *session, const emr_known_person *me, char out[256])
{
	EMR_AUTO_BUF part = {0};
	emr_bytes der, name;

	out[0] = '\0';
	if (emr_replica_registration(session->replica, me, &part, &der, &name) == EMR_OK &&
		name.len < 256 && memchr(name.data, '\0', name.len) == NULL)
		snprintf(out, 256, "%.*s", (int)name.len, (const char *)name.data);
}

/* Whether this computer's copy of the ledger names FACTS's certificate as ME's. */
static emr_status look(const emr_session *session, const emr_cert_facts *facts,
	emr_known_person *me, bool *is_told)
{
	emr_public public;
	emr_status status = emr_keyring_public(session->keyring, &public);

	if (status == EMR_OK)
		status = emr_replica_person(session->replica, public.signer_id, me);
	*is_told = status == EMR_OK &&
		   memcmp(me->row.how == EMR_HOW_DEVICE ? me->row.next : me->row.ref, facts->ref.b,
			   sizeof facts->ref.b) == 0;
	return status;
}

/* KEY_CERT behind the row of ME. */
static emr_status make_batch(
	emr_session *session, emr_bytes chain, const emr_known_person *me, emr_buf *out)
{
	emr_register who = {.keyring = session->keyring,
		.net_id = emr_ledger_net_id(session->ledger),
		.roles = me->row.roles};
	EMR_AUTO_BUF part = {0};
	char name[256];
	emr_act act;

	name_of(session, me, name);
	who.name = name;
	memcpy(who.org.b, me->row.org, sizeof who.org.b);
	EMR_TRY(emr_register_renew(&who, chain, &act, &part));
	act.version = me->row.head.version + 1;
	memcpy(act.prev.b, me->row.head.item, sizeof act.prev.b);
	return emr_act_batch(session->keyring, emr_signer_identity(), session->ledger, &act,
		emr_buf_view(&part), NULL, out);
}

/* The one that was kept may be on its way, or on the ledger. */
static emr_status find_batch(
	emr_session *session, emr_bytes chain, const emr_known_person *me, emr_buf *out)
{
	emr_status status = emr_file_read(
		session->state_fd, EMR_STATE_CERTIFICATE_BATCH, EMR_LEDGER_BATCH_MAX, out);

	if (status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(make_batch(session, chain, me, out));
	return emr_file_replace(
		session->state_fd, EMR_STATE_CERTIFICATE_BATCH, emr_buf_view(out), 0600);
}

/* The result is in the copy then. Threads of an open folder may bring batches meanwhile: which
 * certificate signs is the ledger's handle's to say. */
static emr_status send(emr_session *session, emr_bytes chain, const emr_known_person *me)
{
	EMR_AUTO_BUF batch = {0};
	EMR_AUTO_FREE emr_ledger_answer *answer = calloc(1, sizeof *answer);

	EMR_TRY(answer != NULL ? find_batch(session, chain, me, &batch) : EMR_NO_MEMORY);
	EMR_TRY(emr_ledger_renew(
		session->ledger, session->keyring, chain, emr_buf_view(&batch), answer));
	/* an answer is for good: another try is another batch */
	(void)unlinkat(session->state_fd, EMR_STATE_CERTIFICATE_BATCH, 0);
	return emr_follow_answer(session->replica, emr_buf_view(&batch), answer);
}

/* A try whose end nobody saw may have told it, and the copy may not have it yet: then the first
 * answer is a no, and the copy knows more behind it. */
static emr_status tell_ledger(emr_session *session, emr_bytes chain)
{
	emr_cert_facts facts;
	emr_known_person me;
	bool is_told = false;

	EMR_TRY(emr_cert_read(chain, &facts));
	for (int tries = 0; tries < 3; tries++) {
		EMR_TRY(look(session, &facts, &me, &is_told));
		if (is_told)
			return EMR_OK;
		if (tries < 2)
			EMR_TRY(send(session, chain, &me));
	}
	return EMR_REFUSED;
}

/* A certificate that the ledger was told before, unseen here, is the keyring's from now on. */
static emr_status take_over(emr_session *session, emr_bytes chain)
{
	EMR_TRY(emr_keyring_tlv_set(session->keyring, EMR_KEYRING_CERTIFICATE, chain));
	if (renameat(session->state_fd, EMR_STATE_CERTIFICATE_NEXT, session->state_fd,
		    EMR_STATE_CERTIFICATE) != 0)
		EMR_TRY(emr_status_from_errno(errno));
	if (fsync(session->state_fd) != 0)
		EMR_TRY(emr_status_from_errno(errno));
	(void)unlinkat(session->state_fd, EMR_STATE_CERTIFICATE_BATCH, 0);
	return EMR_OK;
}

/* The ledger, or who leads to it, does not take this certificate, and so another one is fetched the
 * next time.  While nobody knows whether the ledger has it, the keyring has it, and then it must
 * not be lost; what fails here (the disk, the copy) says nothing about it. */
static bool is_never_taken(const emr_session *session, emr_bytes chain, emr_status status)
{
	EMR_AUTO_BUF own = {0};

	return (status == EMR_REFUSED || status == EMR_DENIED) &&
	       emr_keyring_tlv_get(session->keyring, EMR_KEYRING_CERTIFICATE, &own) == EMR_OK &&
	       !emr_bytes_equal(emr_buf_view(&own), chain);
}

static emr_status change_over(emr_session *session, emr_bytes chain)
{
	emr_status status = tell_ledger(session, chain);

	if (status == EMR_OK)
		return take_over(session, chain);
	if (is_never_taken(session, chain, status))
		forget_next(session);
	return status;
}

static void say_late(const emr_cert_facts *facts, emr_problem *out_problem)
{
	char cause[EMR_PROBLEM_TEXT_BYTES], until[EMR_TEXT_BYTES];

	snprintf(cause, sizeof cause, "%s", out_problem->text);
	emr_time_text((int64_t)facts->not_after, until);
	*out_problem = (emr_problem){0};
	emr_problem_set(out_problem, EMR_SAY_RENEWAL_LATE, "time", until, "cause", cause, NULL);
}

uint64_t emr_renewing_due(const emr_session *session)
{
	EMR_AUTO_FREE char *dir = NULL;
	emr_cert_facts facts;

	if (session->read_only || emr_network_dir_of(session->state_fd, &dir) != EMR_OK ||
		facts_of(session->keyring, &facts) != EMR_OK)
		return UINT64_MAX;
	/* The ledger may not have the newer one: then the keyring's facts are those of a
	 * certificate that it may have to give back. */
	if (faccessat(session->state_fd, EMR_STATE_CERTIFICATE_NEXT, F_OK, AT_SYMLINK_NOFOLLOW) ==
		0)
		return 0;
	return emr_login_is_there(dir) ? due_of(session, &facts) : UINT64_MAX;
}

bool emr_renewing_may_begin(const emr_session *session)
{
	emr_ledger_absence absence;

	emr_ledger_look(session->ledger, &absence);
	return absence.status == EMR_OK ||
	       emr_own_cert_end(session) < emr_clock_unix_s(emr_clock_system());
}

emr_status emr_renewing_do(emr_session *session, bool *out_is_new, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *dir = NULL;
	EMR_AUTO_BUF chain = {0};
	emr_cert_facts facts;
	emr_status status;

	*out_is_new = false;
	if (session->read_only || emr_network_dir_of(session->state_fd, &dir) != EMR_OK ||
		facts_of(session->keyring, &facts) != EMR_OK)
		return EMR_OK;
	status = find_next(session, dir,
		emr_login_is_there(dir) &&
			emr_clock_unix_s(emr_clock_system()) >= due_of(session, &facts),
		&chain, out_problem);
	if (status == EMR_NOT_FOUND && !out_problem->is_set)
		return EMR_OK;
	if (status == EMR_OK)
		status = change_over(session, emr_buf_view(&chain));
	*out_is_new = status == EMR_OK;
	if (status != EMR_OK) {
		if (!out_problem->is_set)
			emr_problem_set_status(out_problem, status, _("The new certificate"));
		say_late(&facts, out_problem);
	}
	return status;
}
