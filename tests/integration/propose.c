/* This program proposes what an administrator with a program of his own could propose to the
 * others:
 *
 *   propose PASSPHRASE-FILE NETWORK-DIR admit ORG NAME [DAYS]
 *   propose PASSPHRASE-FILE NETWORK-DIR remove ORG [DAYS]
 *   propose PASSPHRASE-FILE NETWORK-DIR rules QUORUM FILE [DAYS]
 *
 * ORG is "own", "waiting" (that of the first application of no member), "of:NAME" (what is called
 * that) or "new:WORD" (an id that nobody has). NAME "-" is a private part that nobody can read. The
 * CA is that of his own organisation, of "waiting" that of the application.  He approves it, too.
 * It prints what the ledger says: "applied", or why not. */
#include <fcntl.h>
#include <string.h>

#include "own_session.h"

#include "base/clock.h"
#include "base/file.h"
#include "contract/codes.h"
#include "ledger/act_send.h"
#include "ledger/admission.h"
#include "ledger/hash.h"
#include "network/applying.h"
#include "replica/follower.h"
#include "replica/ask.h"

typedef struct proposing {
	emr_pub_org_propose what;
	emr_buf part, ca, application;
	emr_id16 own;
	const char *wanted; /* name of an organisation */
} proposing;

static void find_called(proposing *p)
{
	EMR_AUTO_ORGANISATION known = {.name = ""};
	emr_known_org org;

	EMR_ASK(asked, session.replica, ORGS);
	while (emr_next(&asked, &org)) {
		must(emr_replica_organisation(session.replica,
			     emr_ledger_descriptor(session.ledger), org.org.b, &known),
			"an organisation");
		if (strcmp(known.name, p->wanted) == 0)
			memcpy(p->what.org, org.org.b, 16);
	}
	must(asked.status, "organisations");
}

static void find_own(proposing *p)
{
	EMR_AUTO_ORGANISATION known = {.name = ""};
	emr_public public;
	emr_known_person me;

	must(emr_keyring_public(session.keyring, &public), "own key");
	must(emr_replica_person(session.replica, public.signer_id, &me), "own row");
	memcpy(p->own.b, me.row.org, 16);
	must(emr_replica_organisation(
		     session.replica, emr_ledger_descriptor(session.ledger), me.row.org, &known),
		"own organisation");
	must(emr_buf_append(&p->ca, known.ca.data, known.ca.len), "own CA");
	memcpy(p->what.subject, public.signer_id.b, 32);
}

static emr_status take_application(void *arg, emr_bytes bytes)
{
	proposing *p = arg;
	EMR_AUTO_ORGANISATION known = {.name = ""};
	emr_application a;

	must(emr_application_read(bytes, &a), "an application");
	return p->application.len > 0 || emr_replica_organisation(session.replica,
						 emr_ledger_descriptor(session.ledger), a.org.b,
						 &known) == EMR_OK
		       ? EMR_OK
		       : emr_buf_append(&p->application, bytes.data, bytes.len);
}

static void find_waiting(proposing *p, const char *dir)
{
	EMR_AUTO_APPLICATIONS post = {0};
	emr_problem problem = {0};
	emr_application a;

	must(emr_applications_open(dir, session.keyring, &post, &problem), problem.text);
	must(emr_applications_each(&post, take_application, p), "applications");
	must(emr_application_read(emr_buf_view(&p->application), &a), "an application");
	memcpy(p->what.org, a.org.b, 16);
	emr_signer_id(a.admin_pk, p->what.subject);
	emr_buf_clear(&p->ca);
	must(emr_buf_append(&p->ca, a.ca_der.data, a.ca_der.len), "its CA");
}

static void find_org(proposing *p, const char *org, const char *dir)
{
	emr_bytes word = emr_bytes_of(org, strlen(org));
	emr_id32 hash = emr_sha256_of(&word, 1);

	if (strcmp(org, "own") == 0)
		memcpy(p->what.org, p->own.b, 16);
	else if (strcmp(org, "waiting") == 0)
		find_waiting(p, dir);
	else if (strncmp(org, "new:", 4) == 0)
		memcpy(p->what.org, hash.b, 16);
	else {
		p->wanted = org + 3;
		find_called(p);
	}
}

static void fill_admission(proposing *p, const char *name)
{
	emr_bytes ca = emr_buf_view(&p->ca);
	emr_id32 hash = emr_sha256_of(&ca, 1);
	static const uint8_t nothing[90];

	p->what.kind = EMR_PROPOSAL_ADMIT;
	memcpy(p->what.aux, hash.b, 32);
	if (strcmp(name, "-") == 0)
		must(emr_buf_append(&p->part, nothing, sizeof nothing), "part");
	else
		must(emr_proposal_admit_part(name, "", ca, &p->part), "part");
}

static void fill_rules(proposing *p, const char *quorum, const char *file)
{
	static const uint8_t salt[32] = {1};
	EMR_AUTO_BUF text = {0};
	emr_bytes bytes;
	emr_id32 hash;

	must(emr_file_read(AT_FDCWD, file, 1 << 20, &text), file);
	bytes = emr_buf_view(&text);
	hash = emr_sha256_of(&bytes, 1);
	p->what = (emr_pub_org_propose){
		.kind = EMR_PROPOSAL_RULES, .quorum = (uint8_t)strtoul(quorum, NULL, 10)};
	memcpy(p->what.subject, hash.b, 32);
	must(emr_buf_append(&p->part, salt, sizeof salt), "part");
	must(emr_buf_append(&p->part, text.data, text.len), "part");
}

static uint8_t answer_to(emr_act *act, emr_bytes part)
{
	emr_public public;
	uint8_t code = 0;

	must(emr_keyring_public(session.keyring, &public), "own key");
	must(emr_replica_follow(session.replica, public.signer_id, act), "the row");
	must(emr_act_send(session.keyring, session.ledger, act, part, NULL, &code), "not sent");
	return code;
}

int main(int argc, char **argv)
{
	proposing p = {0};
	emr_id16 proposal = emr_id16_random();
	const char *kind = argc > 4 ? argv[3] : "", *days = NULL;
	emr_act act;
	uint8_t code;

	if (argc < 5)
		return 2;
	open_own(argv[1]);
	must(emr_follow_now(session.replica), "following");
	find_own(&p);
	if (strcmp(kind, "rules") == 0 && argc > 5) {
		fill_rules(&p, argv[4], argv[5]);
		days = argv[6];
	} else if (strcmp(kind, "admit") == 0 && argc > 5) {
		find_org(&p, argv[4], argv[2]);
		fill_admission(&p, argv[5]);
		days = argv[6];
	} else if (strcmp(kind, "remove") == 0) {
		find_org(&p, argv[4], argv[2]);
		p.what.kind = EMR_PROPOSAL_REMOVE;
		memset(p.what.subject, 0, 32);
		days = argv[5];
	} else {
		return 2;
	}
	p.what.not_after_unix_s = emr_clock_unix_s(emr_clock_system()) +
				  (uint64_t)(days != NULL ? strtoll(days, NULL, 10) : 30) * 86400u;
	act = emr_act_propose(proposal, &p.what);
	code = answer_to(&act, emr_buf_view(&p.part));
	if (code == EMR_RESULT_APPLIED) {
		act = emr_act_approve_proposal(proposal, p.own);
		code = answer_to(&act, (emr_bytes){0});
	}
	puts(emr_result_text(code));
	emr_buf_free(&p.part);
	emr_buf_free(&p.ca);
	emr_buf_free(&p.application);
	emr_session_close(&session);
	return 0;
}
