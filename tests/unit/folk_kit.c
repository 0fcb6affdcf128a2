/* Tests with several people use this file: it makes a network with a patient, a clinic, its
 * doctor and an agent, and sends what each of them says to the ledger. */
#include "folk_kit.h"

kit k;
kit_domain health;
uint64_t now;
emr_id16 home, clinic;
emr_buf clinic_ca;

member ana, lima, agent, boss;

/* ---- sending ---- */

emr_bytes folk_part_of(size_t len)
{
	static uint8_t bytes[4096];

	assert_true(len <= sizeof bytes);
	memset(bytes, 0x66, len);
	return emr_bytes_of(bytes, len);
}

emr_bytes folk_nothing(void)
{
	return (emr_bytes){0};
}

int folk_say_as(member *m, emr_signer as, emr_act act, emr_bytes part, emr_id32 *out_item)
{
	static uint64_t turn; /* the same bytes again would get the old answer again */
	EMR_AUTO_BATCH builder = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_batch_options options = {.keyring = m->keyring, .signer = as, .net_id = k.net_id};
	emr_ledger_answer answer;
	emr_operation operation;
	emr_id32 item;

	assert_ok(emr_replica_catch_up(m->replica, NULL, NULL, NULL));
	assert_ok(emr_batch_new(&options, &builder));
	assert_ok(emr_replica_follow(m->replica, emr_batch_signer_id(builder), &act));
	operation = emr_act_operation(&act, now, part);
	assert_ok(emr_batch_add(builder, &operation, &item));
	assert_ok(emr_batch_finish(builder, now, 200 + turn++ % 300, &bytes, NULL));
	assert_ok(emr_ledger_submit(m->ledger, emr_buf_view(&bytes), &answer));
	if (out_item)
		*out_item = item;
	return answer.refusal != 0 ? 1000 + answer.refusal : answer.results[0];
}

int folk_say(member *m, emr_act act, emr_bytes part)
{
	return folk_say_as(m, emr_signer_identity(), act, part, NULL);
}

/* As the owner of the domain. */
int folk_own(emr_act act, emr_bytes part)
{
	return folk_say_as(&ana, emr_signer_domain(health.id, 1), act, part, NULL);
}

void folk_see(member *m)
{
	assert_ok(emr_replica_catch_up(m->replica, NULL, NULL, NULL));
}

void folk_pass(uint64_t seconds)
{
	now += seconds;
	kit_clock_set(&k.clock, now);
}

/* ---- people ---- */

void folk_bring(member *m, const char *name)
{
	emr_ledger_options ledger = {
		.path = k.network, .submitter = m->keyring, .clock = &k.clock.clock};
	emr_replica_options replica = {.clock = &k.clock.clock};
	char path[160];

	(void)snprintf(path, sizeof path, "%s/state-%s", k.base, name);
	assert_int_equal(mkdir(path, 0700), 0);
	m->state_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(m->state_fd >= 0);
	assert_ok(emr_keyring_public(m->keyring, &m->public));
	assert_ok(emr_ledger_open(&ledger, &m->ledger));
	replica.state_dirfd = m->state_fd;
	replica.ledger = m->ledger;
	assert_ok(emr_replica_open(&replica, &m->replica));
}

void folk_close_member(member *m, bool is_kits)
{
	emr_replica_close(m->replica);
	emr_ledger_close(m->ledger);
	if (!is_kits)
		emr_keyring_free(m->keyring);
	(void)close(m->state_fd);
	memset(m, 0, sizeof *m);
}

void folk_create(member *m, const char *name)
{
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, KIT_NOW, &m->keyring));
	folk_bring(m, name);
}

/* M comes in under a certificate that the clinic's CA gave her. */
int folk_register_in_clinic(member *m, uint16_t roles, const char *name)
{
	EMR_AUTO_BUF cert = {0};
	EMR_AUTO_BUF part = {0};
	emr_cert_subject subject = {.handle = name,
		.roles = roles,
		.org = clinic,
		.not_before = now - DAY,
		.not_after = now + 400 * DAY};
	emr_register who = {.keyring = m->keyring,
		.net_id = k.net_id,
		.org = clinic,
		.roles = roles,
		.name = name};
	emr_act act;

	assert_ok(emr_cert_issue(boss.keyring, emr_buf_view(&clinic_ca), &subject,
		emr_bytes_of(m->public.p256_spki, EMR_P256_SPKI_BYTES), &cert));
	assert_ok(emr_register_certified(&who, emr_buf_view(&cert), &act, &part));
	return folk_say(m, act, emr_buf_view(&part));
}

void folk_admit_the_clinic(void)
{
	EMR_AUTO_BUF part = {0};
	emr_id16 proposal = emr_id16_random();
	emr_pub_org_propose what = emr_proposal_admit(
		clinic, boss.public.signer_id, emr_buf_view(&clinic_ca), now + 9 * DAY);

	assert_ok(emr_proposal_admit_part("Clinic", "", emr_buf_view(&clinic_ca), &part));
	assert_applied(folk_say(&ana, emr_act_propose(proposal, &what), emr_buf_view(&part)));
	assert_applied(folk_say(&ana, emr_act_approve_proposal(proposal, home), folk_nothing()));
}

int folk_begin(void **state)
{
	emr_cert_subject ca = {.handle = "Clinic CA"};
	emr_known_org org;

	(void)state;
	now = KIT_NOW;
	kit_new(&k);
	health = kit_domain_new(&k);
	ana = (member){.keyring = k.keyring};
	folk_bring(&ana, "ana");
	folk_create(&boss, "boss");
	folk_create(&lima, "lima");
	folk_create(&agent, "agent");
	clinic = emr_id16_random();
	ca.not_before = now - DAY;
	ca.not_after = now + 4000 * DAY;
	assert_ok(emr_cert_make_ca(boss.keyring, &ca, &clinic_ca));
	folk_see(&ana);
	EMR_ASK(asked, ana.replica, ORGS);
	assert_true(emr_next(&asked, &org));
	home = org.org;
	return 0;
}

int folk_with_clinic(void **state)
{
	(void)folk_begin(state);
	folk_admit_the_clinic();
	assert_applied(folk_register_in_clinic(&lima, EMR_ROLE_CLINICIAN, "lima.clinic"));
	assert_applied(folk_register_in_clinic(&agent, EMR_ROLE_AGENT, "agent.clinic"));
	return 0;
}

int folk_end(void **state)
{
	(void)state;
	folk_close_member(&ana, true);
	folk_close_member(&lima, false);
	folk_close_member(&agent, false);
	folk_close_member(&boss, false);
	emr_buf_free(&clinic_ca);
	kit_end(&k);
	return 0;
}

emr_act folk_grant_to(emr_id16 grant, const uint8_t grantee[32], uint64_t seconds)
{
	emr_pub_grant terms = {.not_before_unix_s = now,
		.not_after_unix_s = now + seconds,
		.purposes = 1,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ};

	memcpy(terms.grantee, grantee, 32);
	return emr_act_grant(health.id, grant, 1, &terms);
}

int folk_ask(member *m, emr_id16 access, emr_id16 grant, emr_id16 via, emr_id32 *out_req)
{
	/* two slots, one reader */
	return folk_say_as(m, emr_signer_identity(),
		emr_act_access(health.id, access, grant, via, 2, 0), folk_part_of(152 + 112 + 64),
		out_req);
}
