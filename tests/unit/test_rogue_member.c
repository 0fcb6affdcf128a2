/* A member with a changed program appends to the shared ledger what our program would never send.
 * The entries that everybody has verified stay as they are. */
#include "rogue_kit.h"

#include "contract/pubs.h"

static member visitor;
static emr_id16 latest; /* proposal */

/* ---- private parts ---- */

/* A record of ana's with one version, seen by everybody. */
static emr_part_key record_of_ana(emr_buf *out_part)
{
	emr_batch_builder *b = kit_batch(&k, health.id);
	emr_part_key at = {.family = EMR_FAMILY_OBJECT,
		.domain = health.id,
		.object = emr_id16_random(),
		.version = 1};

	(void)kit_put(b, &health, at.object, 1, (emr_id32){{0}});
	(void)kit_send(&k, b);
	folk_see(&ana);
	folk_see(&lima);
	if (out_part)
		assert_ok(emr_replica_part(ana.replica, &at, out_part));
	return at;
}

/* Lima says that PART, which is hers, was lost at AT. */
static void restore_batch(const emr_part_key *at, emr_bytes part, emr_buf *out)
{
	emr_pub_restore pub = {.family = at->family, .version = at->version};
	uint8_t bytes[16];
	emr_operation operation = {.op = EMR_OP_RESTORE_PART,
		.domain = at->domain,
		.object = at->object,
		.pub = emr_bytes_of(bytes, sizeof bytes),
		.priv = part};

	emr_pub_restore_encode(&pub, bytes);
	rogue_batch(&lima, emr_signer_identity(), &operation, now, out);
}

static void expect_part(member *m, const emr_part_key *at, emr_bytes expected)
{
	EMR_AUTO_BUF part = {0};

	assert_ok(emr_replica_part(m->replica, at, &part));
	assert_true(emr_bytes_equal(emr_buf_view(&part), expected));
}

/* Expects M's copy to call the newest entry damaged, and to take nothing of it in. */
static void expect_refused(member *m)
{
	emr_replica_trouble trouble;
	emr_replica_position position;
	uint64_t size = 0;

	assert_status(EMR_DAMAGED, emr_replica_catch_up(m->replica, NULL, NULL, NULL));
	emr_replica_last_trouble(m->replica, &trouble);
	assert_ok(emr_ledger_size(m->ledger, &size));
	assert_int_equal(trouble.seq, size - 1);
	assert_ok(emr_replica_at(m->replica, &position));
	assert_int_equal(position.size, size - 1);
}

TEST_IN(folk_with_clinic, folk_end, nobody_replaces_the_private_part_of_a_record)
{
	static const uint8_t applied[1] = {EMR_RESULT_APPLIED};
	EMR_AUTO_BUF part = {0};
	EMR_AUTO_BUF batch = {0};
	emr_part_key at = record_of_ana(&part);

	restore_batch(&at, folk_part_of(part.len), &batch);
	rogue_append(&lima, emr_buf_view(&batch), now, applied);
	expect_refused(&ana);
	expect_part(&ana, &at, emr_buf_view(&part));
}

static void erase_record(const emr_part_key *at)
{
	emr_batch_builder *b = kit_batch(&k, health.id);
	emr_replica_head head;

	assert_ok(emr_replica_head_get(ana.replica, at->domain, at->object, &head));
	(void)kit_erase(b, &health, at->object, head.version + 1, head.item_id, 1, head.version);
	(void)kit_send(&k, b);
	folk_see(&ana);
}

/* He kept the bytes; they fit what the item commits to, and all the same they are gone. */
TEST_IN(folk_with_clinic, folk_end, nobody_brings_back_what_was_erased)
{
	static const uint8_t applied[1] = {EMR_RESULT_APPLIED};
	EMR_AUTO_BUF part = {0};
	EMR_AUTO_BUF gone = {0};
	EMR_AUTO_BUF batch = {0};
	emr_part_key at = record_of_ana(&part);
	emr_ledger_answer answer;

	erase_record(&at);
	restore_batch(&at, emr_buf_view(&part), &batch);
	assert_ok(emr_ledger_submit(lima.ledger, emr_buf_view(&batch), &answer));
	assert_int_equal(answer.results[0], EMR_RESULT_PRIVATE_PART);
	folk_see(&ana);
	assert_status(EMR_NOT_FOUND, emr_replica_part(ana.replica, &at, &gone));
	folk_pass(1);
	emr_buf_clear(&batch);
	restore_batch(&at, emr_buf_view(&part), &batch);
	rogue_append(&lima, emr_buf_view(&batch), now, applied);
	expect_refused(&ana);
	assert_status(EMR_NOT_FOUND, emr_replica_part(ana.replica, &at, &gone));
}

/* The tables of the shared file are his to write, the items of others are not. */
TEST_IN(folk_with_clinic, folk_end, other_bytes_in_the_ledger_file_reach_nobodys_copy)
{
	EMR_AUTO_BUF part = {0};
	emr_part_key at = record_of_ana(&part);
	static const uint8_t forged[828];
	char hex[65];
	uint8_t hash[32];

	emr_item_priv_hash((emr_span){forged, sizeof forged}, hash);
	emr_hex(hash, sizeof hash, hex);
	kit_sql(k.network, EMR_NETWORK_LEDGER,
		printed("UPDATE parts SET part=zeroblob(828), hash=x'%s' WHERE family=32", hex));
	folk_create(&visitor, "visitor");
	folk_see(&visitor);
	emr_buf_clear(&part);
	assert_status(EMR_MISSING_DATA, emr_replica_part(visitor.replica, &at, &part));
	folk_close_member(&visitor, false);
}

static bool is_nobodys(void *arg, emr_id16 domain, emr_bytes d_row)
{
	(void)arg;
	(void)domain;
	(void)d_row;
	return false;
}

/* A copy of ana's keyring's network that keeps no part of any domain. */
static emr_replica *copy_without_parts(int *out_fd)
{
	char path[160];
	emr_replica *replica = NULL;
	emr_replica_options options = {
		.ledger = boss.ledger, .clock = &k.clock.clock, .is_mine = is_nobodys};

	(void)snprintf(path, sizeof path, "%s/state-bare", k.base);
	assert_int_equal(mkdir(path, 0700), 0);
	*out_fd = options.state_dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(options.state_dirfd >= 0);
	assert_ok(emr_replica_open(&options, &replica));
	return replica;
}

/* RESTORE_PART is for this; and a member who keeps nothing of the domain reaches the same
 * results. */
TEST_IN(folk_with_clinic, folk_end, a_part_that_the_ledger_lost_comes_back_as_it_was)
{
	EMR_AUTO_BUF part = {0};
	EMR_AUTO_BUF batch = {0};
	EMR_AUTO_REPLICA bare = NULL;
	emr_part_key at = record_of_ana(&part);
	emr_ledger_trouble trouble;
	emr_ledger_answer answer;
	EMR_AUTO_FD fd;

	kit_sql(k.network, EMR_NETWORK_LEDGER, "UPDATE parts SET part=x'' WHERE family=32");
	assert_status(EMR_DAMAGED, emr_ledger_verify(ana.ledger, &trouble));
	restore_batch(&at, emr_buf_view(&part), &batch);
	assert_ok(emr_ledger_submit(lima.ledger, emr_buf_view(&batch), &answer));
	assert_int_equal(answer.results[0], EMR_RESULT_APPLIED);
	assert_ok(emr_ledger_verify(ana.ledger, &trouble));
	folk_see(&ana);
	expect_part(&ana, &at, emr_buf_view(&part));
	folk_create(&visitor, "visitor");
	folk_see(&visitor);
	expect_part(&visitor, &at, emr_buf_view(&part));
	folk_close_member(&visitor, false);
	bare = copy_without_parts(&fd);
	assert_ok(emr_replica_catch_up(bare, NULL, NULL, NULL));
	emr_buf_clear(&part);
	assert_status(EMR_NOT_FOUND, emr_replica_part(bare, &at, &part));
}

/* Lima, who may write in ana's folder, publishes the key with which she will describe there. */
static emr_part_key listing_key_of_lima(void)
{
	emr_act act = {.op = EMR_OP_LISTKEY, .domain = health.id, .epoch = 1};
	emr_part_key at = {.family = EMR_FAMILY_LISTKEY, .domain = health.id, .version = 1};

	assert_applied(folk_own(emr_act_writer_add(health.id, lima.public.signer_id,
					EMR_RIGHT_PUT | EMR_RIGHT_META | EMR_RIGHT_ANY, now + DAY),
		folk_part_of(592)));
	emr_object_listkey(lima.public.signer_id.b, 1, act.object.b);
	at.object = act.object;
	assert_applied(folk_say(&lima, act, folk_part_of(160)));
	folk_see(&ana);
	return at;
}

static void erase_batch(const member *m, emr_signer as, const emr_part_key *at, emr_buf *out)
{
	emr_pub_erase pub = {.family = at->family, .from_version = 1, .to_version = at->version};
	uint8_t bytes[24];
	emr_operation operation = {.op = EMR_OP_ERASE,
		.domain = at->domain,
		.object = at->object,
		.pub = emr_bytes_of(bytes, sizeof bytes)};

	emr_pub_erase_encode(&pub, bytes);
	rogue_batch(m, as, &operation, now, out);
}

/* The records that he described with it, hers that he renamed among them, would be nameless for
 * ever. */
TEST_IN(folk_with_clinic, folk_end, a_writer_does_not_destroy_the_key_of_what_he_described)
{
	static const uint8_t applied[1] = {EMR_RESULT_APPLIED};
	EMR_AUTO_BUF part = {0};
	EMR_AUTO_BUF batch = {0};
	emr_part_key at = listing_key_of_lima();
	emr_ledger_answer answer;

	assert_ok(emr_replica_part(ana.replica, &at, &part));
	erase_batch(&lima, emr_signer_identity(), &at, &batch);
	assert_ok(emr_ledger_submit(lima.ledger, emr_buf_view(&batch), &answer));
	assert_int_equal(answer.results[0], EMR_RESULT_NOT_AUTHORISED);
	folk_see(&ana);
	folk_pass(1);
	emr_buf_clear(&batch);
	erase_batch(&lima, emr_signer_identity(), &at, &batch);
	rogue_append(&lima, emr_buf_view(&batch), now, applied);
	expect_refused(&ana);
	expect_part(&ana, &at, emr_buf_view(&part));
}

TEST_IN(folk_with_clinic, folk_end, the_owner_may_destroy_the_key_of_what_a_writer_described)
{
	EMR_AUTO_BUF part = {0};
	EMR_AUTO_BUF batch = {0};
	emr_part_key at = listing_key_of_lima();
	emr_ledger_answer answer;

	erase_batch(&ana, emr_signer_domain(health.id, 1), &at, &batch);
	assert_ok(emr_ledger_submit(ana.ledger, emr_buf_view(&batch), &answer));
	assert_applied(answer.results[0]);
	folk_see(&ana);
	assert_status(EMR_NOT_FOUND, emr_replica_part(ana.replica, &at, &part));
}

/* A newcomer judges his registration by that certificate. */
TEST_IN(folk_with_clinic, folk_end, nobody_stops_who_joins_later_by_erasing_his_own_registration)
{
	EMR_AUTO_BUF batch = {0};
	emr_ledger_trouble trouble = {0};
	emr_part_key at = {.family = EMR_FAMILY_KEY, .version = 1};
	emr_ledger_answer answer;

	memcpy(at.object.b, lima.public.signer_id.b, sizeof at.object.b);
	erase_batch(&lima, emr_signer_identity(), &at, &batch);
	assert_ok(emr_ledger_submit(lima.ledger, emr_buf_view(&batch), &answer));
	assert_ok(emr_ledger_verify(ana.ledger, &trouble)); /* from the beginning */
	assert_int_equal(answer.results[0], EMR_RESULT_NOT_AUTHORISED);
}

/* ---- what somebody is called ---- */

/* BY proposes the clinic as it is, its administrator and the hash of its CA, with NAME and CA in
 * the part.  Returns what the ledger answers. */
static int propose(member *by, uint8_t first_byte, const char *name, emr_bytes ca)
{
	EMR_AUTO_BUF part = {0};
	emr_id16 proposal = emr_id16_random();
	emr_pub_org_propose what = emr_proposal_admit(
		clinic, boss.public.signer_id, emr_buf_view(&clinic_ca), now + 9 * DAY);

	proposal.b[0] = first_byte; /* rows are walked in the order of ids */
	assert_ok(emr_proposal_admit_part(name, "", ca, &part));
	latest = proposal;
	return folk_say(by, emr_act_propose(proposal, &what), emr_buf_view(&part));
}

static void expect_clinic(const char *name)
{
	EMR_AUTO_ORGANISATION org = {.name = ""};

	folk_see(&lima);
	assert_ok(emr_replica_organisation(
		lima.replica, emr_ledger_descriptor(lima.ledger), clinic.b, &org));
	assert_string_equal(org.name, name);
	assert_true(emr_bytes_equal(emr_buf_view(&org.ca), emr_buf_view(&clinic_ca)));
}

/* An administrator of another organisation proposes it as it is, but for its name or its CA. */
TEST_IN(folk_with_clinic, folk_end, nobody_renames_an_organisation_without_the_members)
{
	EMR_AUTO_BUF other_ca = {0};
	emr_cert_subject ca = {
		.handle = "Other CA", .not_before = now - DAY, .not_after = now + 4000 * DAY};

	assert_ok(emr_cert_make_ca(ana.keyring, &ca, &other_ca));
	assert_applied(
		folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN | EMR_ROLE_HOSPITAL, "boss"));
	expect_clinic("Clinic");
	for (int i = 0; i < 2; i++) {
		const uint8_t first = i == 0 ? 0x00 : 0xff;

		/* Only its own administrator proposes something of it. */
		assert_int_equal(
			propose(&ana, first, "Ministry of Health", emr_buf_view(&clinic_ca)),
			EMR_RESULT_NOT_AUTHORISED);
		assert_applied(
			propose(&boss, first, "Ministry of Health", emr_buf_view(&clinic_ca)));
		expect_clinic("Clinic");
		/* One approval of two is not enough. */
		assert_applied(
			folk_say(&ana, emr_act_approve_proposal(latest, home), folk_nothing()));
		expect_clinic("Clinic");
		assert_applied(
			propose(&boss, first, "Ministry of Health", emr_buf_view(&other_ca)));
		expect_clinic("Clinic");
	}
}

TEST_IN(folk_with_clinic, folk_end, the_newest_name_that_the_members_approved_holds)
{
	assert_applied(
		folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN | EMR_ROLE_HOSPITAL, "boss"));
	for (int i = 0; i < 2; i++) {
		const char *name = i == 0 ? "Clinic of Lisbon" : "Clinic of Porto";

		assert_applied(
			propose(&boss, i == 0 ? 0xff : 0x00, name, emr_buf_view(&clinic_ca)));
		assert_applied(
			folk_say(&ana, emr_act_approve_proposal(latest, home), folk_nothing()));
		assert_applied(
			folk_say(&boss, emr_act_approve_proposal(latest, clinic), folk_nothing()));
		expect_clinic(name);
	}
}

/* Her certificate lies open to all members: it says nothing of a key that it does not name. */
TEST_IN(folk_with_clinic, folk_end, a_device_is_not_called_by_anothers_certificate)
{
	EMR_AUTO_BUF part = {0};
	EMR_AUTO_BUF own_part = {0};
	EMR_AUTO_BUF batch = {0};
	emr_ledger_answer answer;
	emr_operation operation;
	emr_known_person person;
	emr_bytes der, name;
	emr_register who = {.net_id = k.net_id, .org = home, .roles = EMR_ROLE_DEVICE};
	emr_act act;

	folk_see(&ana);
	assert_ok(emr_replica_person(ana.replica, lima.public.signer_id, &person));
	assert_ok(emr_replica_registration(ana.replica, &person, &part, &der, &name));
	folk_create(&visitor, "visitor");
	who.keyring = visitor.keyring;
	who.name = "tablet";
	assert_ok(emr_register_device(&who, ana.keyring, now + 300 * DAY, &act, &own_part));
	operation = emr_act_operation(&act, now, emr_buf_view(&part));
	rogue_batch(&visitor, emr_signer_identity(), &operation, now, &batch);
	assert_ok(emr_ledger_submit(ana.ledger, emr_buf_view(&batch), &answer));
	assert_applied(answer.results[0]);
	folk_see(&ana);
	assert_ok(emr_replica_person(ana.replica, visitor.public.signer_id, &person));
	assert_status(EMR_NOT_FOUND,
		emr_replica_registration(ana.replica, &person, &own_part, &der, &name));
	folk_close_member(&visitor, false);
}

TESTS(NULL, NULL)
