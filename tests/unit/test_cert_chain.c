/* These tests are about the path from a person's certificate over an organisation's authorities to
 * its CA: they put there, one thing at a time, what an attacker, or a careless authority, could put
 * there. */
#include "cert_kit.h"
#include "keyring_kit.h"

#include <sys/wait.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "crypto/hashsig.h"

#define T0 UINT64_C(1700000000)
#define DAY UINT64_C(86400)

/* A hospital's root, its two authorities one below the other, and a doctor's key. */
typedef struct hospital {
	cert_authority root, upper, lower;
	emr_keyring *keyring;
	emr_public public;
} hospital;

static void begin(
	hospital *h, const cert_wish *root, const cert_wish *upper, const cert_wish *lower)
{
	const cert_wish usual[] = {cert_authority_wish("Hospital São Lucas", T0),
		cert_authority_wish("Staff", T0), cert_authority_wish("Cardiology", T0)};

	*h = (hospital){.keyring = kit_keyring()};
	assert_ok(emr_keyring_public(h->keyring, &h->public));
	cert_begin(&h->root, root != NULL ? root : &usual[0], NULL);
	cert_begin(&h->upper, upper != NULL ? upper : &usual[1], &h->root);
	cert_begin(&h->lower, lower != NULL ? lower : &usual[2], &h->upper);
}

static void end(hospital *h)
{
	cert_end(&h->root);
	cert_end(&h->upper);
	cert_end(&h->lower);
	emr_keyring_free(h->keyring);
}

static void append(emr_buf *chain, const cert_authority *a)
{
	assert_ok(emr_buf_append(chain, a->der.data, a->der.len));
}

/* Below the upper authority alone. */
static emr_status verify_short(hospital *h, const cert_wish *doctor, uint64_t now)
{
	const cert_wish usual = cert_person_wish("lima", T0);
	EMR_AUTO_BUF chain = {0};
	emr_cert_facts facts;

	cert_certify(&h->upper, doctor != NULL ? doctor : &usual, h->public.p256_spki, &chain);
	append(&chain, &h->upper);
	return emr_cert_verify(emr_buf_view(&chain), emr_buf_view(&h->root.der), now, &facts);
}

static emr_status verify_long(hospital *h, uint64_t now)
{
	const cert_wish doctor = cert_person_wish("lima", T0);
	EMR_AUTO_BUF chain = {0};
	emr_cert_facts facts;

	cert_certify(&h->lower, &doctor, h->public.p256_spki, &chain);
	append(&chain, &h->lower);
	append(&chain, &h->upper);
	return emr_cert_verify(emr_buf_view(&chain), emr_buf_view(&h->root.der), now, &facts);
}

TEST(somebody_below_an_authority_of_the_organisation_is_its)
{
	cert_wish doctor = cert_person_wish("lima", T0);
	EMR_AUTO_BUF chain = {0};
	emr_cert_facts facts, read;
	emr_id32 ref;

	SCENE_OF(hospital, h, end, begin, NULL, NULL, NULL);
	doctor.attrs = "{\"attrs\":{\"hf.Type\":\"client\",\"emr.roles\":\"clinician\","
		       "\"emr.org\":\"000102030405060708090a0b0c0d0e0f\"}}";
	cert_certify(&h.upper, &doctor, h.public.p256_spki, &chain);
	emr_sha256(chain.data, chain.len, ref.b);
	append(&chain, &h.upper);
	assert_ok(
		emr_cert_verify(emr_buf_view(&chain), emr_buf_view(&h.root.der), T0 + DAY, &facts));
	assert_string_equal(facts.handle, "lima");
	assert_int_equal(facts.roles, 2);
	assert_int_equal(facts.org.b[15], 15);
	assert_memory_equal(facts.spki, h.public.p256_spki, EMR_P256_SPKI_BYTES);
	assert_memory_equal(facts.ref.b, ref.b, 32);
	for (int i = 0; i < 2; i++) { /* also from memory */
		assert_ok(emr_cert_read(emr_buf_view(&chain), &read));
		assert_memory_equal(read.ref.b, ref.b, 32);
		assert_string_equal(read.handle, "lima");
	}
	assert_ok(verify_long(&h, T0 + DAY));
}

TEST(a_chain_has_all_its_links_and_no_others)
{
	const cert_wish doctor = cert_person_wish("lima", T0),
			other = cert_authority_wish("Else", T0);
	EMR_AUTO_BUF leaf = {0};
	AUTO(cert_end) cert_authority lowest, stranger;
	emr_cert_facts facts;

	SCENE_OF(hospital, h, end, begin, NULL, NULL, NULL);
	cert_begin(&lowest, &other, &h.lower);
	cert_begin(&stranger, &other, NULL);
	cert_certify(&h.lower, &doctor, h.public.p256_spki, &leaf);
	{
		const cert_authority *const none[] = {NULL}, *const one[] = {&h.lower, NULL},
					    *const wrong[] = {&h.upper, NULL},
					    *const more[] = {&h.lower, &h.upper, &stranger, NULL},
					    *const twice[] = {&h.lower, &h.lower, NULL},
					    *const self[] = {&h.lower, &stranger, NULL},
					    *const too_many[] = {&h.lower, &h.upper, &h.root, NULL};
		const struct {
			const cert_authority *const *links;
			emr_status expected;
		} chains[] = {{none, EMR_BAD_SIGNATURE}, {one, EMR_BAD_SIGNATURE},
			{wrong, EMR_BAD_SIGNATURE}, {twice, EMR_BAD_SIGNATURE},
			{self, EMR_BAD_SIGNATURE}, {more, EMR_DAMAGED}, {too_many, EMR_DAMAGED}};

		for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
			EMR_AUTO_BUF chain = {0};

			assert_ok(emr_buf_append(&chain, leaf.data, leaf.len));
			for (size_t j = 0; chains[i].links[j] != NULL; j++)
				append(&chain, chains[i].links[j]);
			assert_status(chains[i].expected,
				emr_cert_verify(emr_buf_view(&chain), emr_buf_view(&h.root.der),
					T0 + DAY, &facts));
		}
	}
	/* A good certificate stands, but none is handed over for nothing. */
	{
		EMR_AUTO_BUF chain = {0};

		cert_certify(&h.upper, &doctor, h.public.p256_spki, &chain);
		append(&chain, &h.upper);
		append(&chain, &stranger);
		assert_status(
			EMR_BAD_SIGNATURE, emr_cert_verify(emr_buf_view(&chain),
						   emr_buf_view(&h.root.der), T0 + DAY, &facts));
	}
	/* Nor does a CA bring others along, or stand for itself. */
	{
		EMR_AUTO_BUF chain = {0};

		append(&chain, &h.root);
		assert_status(
			EMR_BAD_SIGNATURE, emr_cert_verify(emr_buf_view(&chain),
						   emr_buf_view(&h.root.der), T0 + DAY, &facts));
		append(&chain, &h.upper);
		assert_status(EMR_DAMAGED, emr_cert_read(emr_buf_view(&chain), &facts));
	}
}

TEST(everybody_on_the_way_is_in_force)
{
	cert_wish shorter = cert_authority_wish("Staff", T0 + DAY),
		  root = cert_authority_wish("r", T0);
	cert_wish doctor = cert_person_wish("lima", T0);
	hospital h;

	shorter.until = T0 + 9 * DAY;
	begin(&h, NULL, &shorter, NULL);
	assert_status(EMR_DENIED, verify_short(&h, NULL, T0 + DAY - 1));
	assert_ok(verify_short(&h, NULL, T0 + DAY));
	assert_ok(verify_short(&h, NULL, T0 + 9 * DAY)); /* to the end of its last second */
	assert_status(EMR_DENIED, verify_short(&h, NULL, T0 + 9 * DAY + 1));
	assert_status(EMR_DENIED, verify_long(&h, T0 + 9 * DAY + 1));
	/* The doctor's own dates. */
	doctor.from = T0 + 2 * DAY;
	doctor.until = T0 + 3 * DAY;
	assert_status(EMR_DENIED, verify_short(&h, &doctor, T0 + 2 * DAY - 1));
	assert_ok(verify_short(&h, &doctor, T0 + 2 * DAY));
	assert_ok(verify_short(&h, &doctor, T0 + 3 * DAY));
	assert_status(EMR_DENIED, verify_short(&h, &doctor, T0 + 3 * DAY + 1));
	end(&h);
	/* The root's; and times that no certificate has. */
	root.until = T0 + 5 * DAY;
	begin(&h, &root, NULL, NULL);
	assert_ok(verify_short(&h, NULL, T0 + 5 * DAY));
	assert_status(EMR_DENIED, verify_short(&h, NULL, T0 + 5 * DAY + 1));
	assert_status(EMR_DENIED, verify_short(&h, NULL, 0));
	assert_status(EMR_DENIED, verify_short(&h, NULL, UINT64_C(253402300799)));
	assert_status(EMR_DENIED, verify_short(&h, NULL, UINT64_C(253402300800)));
	assert_status(EMR_DENIED, verify_short(&h, NULL, UINT64_MAX));
	/* A broken signature is one, whatever the time is. */
	doctor = cert_person_wish("lima", T0);
	{
		EMR_AUTO_BUF chain = {0};
		emr_cert_facts facts;

		cert_certify(&h.upper, &doctor, h.public.p256_spki, &chain);
		chain.data[chain.len - 1] ^= 1;
		append(&chain, &h.upper);
		assert_status(EMR_BAD_SIGNATURE,
			emr_cert_verify(emr_buf_view(&chain), emr_buf_view(&h.root.der),
				T0 + 6 * DAY, &facts));
	}
	end(&h);
}

/* An earlier answer may come from memory; a process that never asked finds it again. */
TEST(who_asks_again_at_another_time_hears_what_is_true_then)
{
	cert_wish root = cert_authority_wish("Hospital", T0),
		  staff = cert_authority_wish("Staff", T0 + 100),
		  doctor = cert_person_wish("lima", T0 + 50);
	const uint64_t edges[] = {T0, T0 + 50, T0 + 100, T0 + 900, T0 + 950, T0 + 999,
		UINT64_C(253402300799), UINT64_MAX - 1};
	emr_status fresh[8][3];
	EMR_AUTO_BUF chain = {0};
	emr_cert_facts facts;
	cert_wish elsewhere = cert_authority_wish("Clinic", T0);
	AUTO(cert_end) cert_authority other;
	AUTO(end) hospital h;

	staff.until = T0 + 950;
	root.until = T0 + 900;
	begin(&h, &root, &staff, NULL);
	cert_begin(&other, &elsewhere, NULL);
	doctor.until = T0 + 999;
	cert_certify(&h.upper, &doctor, h.public.p256_spki, &chain);
	append(&chain, &h.upper);
	for (size_t i = 0; i < 24; i++) {
		int status;
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			_exit(emr_cert_verify(emr_buf_view(&chain), emr_buf_view(&h.root.der),
				edges[i / 3] + i % 3 - 1, &facts));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		fresh[i / 3][i % 3] = (emr_status)WEXITSTATUS(status);
	}
	assert_status(EMR_OK, fresh[2][1]); /* from when all of them are in force */
	assert_status(EMR_OK, fresh[3][1]); /* until the root is not */
	for (size_t i = 0; i < 24; i++)
		assert_status(fresh[i / 3][i % 3],
			emr_cert_verify(emr_buf_view(&chain), emr_buf_view(&h.root.der),
				edges[i / 3] + i % 3 - 1, &facts));
	/* The answers for one root say nothing of another, however often each is asked for. */
	for (int i = 0; i < 3; i++) {
		assert_status(
			EMR_BAD_SIGNATURE, emr_cert_verify(emr_buf_view(&chain),
						   emr_buf_view(&other.der), T0 + 200, &facts));
		assert_ok(emr_cert_verify(
			emr_buf_view(&chain), emr_buf_view(&h.root.der), T0 + 200, &facts));
	}
}

TEST(a_certificate_for_something_else_vouches_for_nobody)
{
	static const struct {
		const char *purpose;
		emr_status expected;
	} purposes[] = {{NULL, EMR_OK}, {"serverAuth", EMR_BAD_SIGNATURE},
		{"critical,serverAuth,clientAuth", EMR_BAD_SIGNATURE},
		{"codeSigning", EMR_BAD_SIGNATURE}, {"emailProtection", EMR_OK},
		{"clientAuth,emailProtection", EMR_OK}};
	cert_wish doctor = cert_person_wish("lima", T0), upper = cert_authority_wish("Staff", T0);
	hospital h;

	for (size_t i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
		begin(&h, NULL, NULL, NULL);
		doctor.purpose = purposes[i].purpose;
		assert_status(purposes[i].expected, verify_short(&h, &doctor, T0 + DAY));
		end(&h);
		/* The same, said of the authority. */
		upper.purpose = purposes[i].purpose;
		begin(&h, NULL, &upper, NULL);
		assert_status(purposes[i].expected, verify_short(&h, NULL, T0 + DAY));
		end(&h);
	}
	begin(&h, NULL, NULL, NULL);
	doctor.purpose = NULL;
	doctor.usage = "critical,keyEncipherment";
	assert_status(EMR_DAMAGED, verify_short(&h, &doctor, T0 + DAY));
	end(&h);
}

TEST(nobody_certifies_who_is_no_authority)
{
	static const struct {
		const char *basic, *usage;
		emr_status expected;
	} uppers[] = {{"critical,CA:FALSE", "critical,digitalSignature", EMR_BAD_SIGNATURE},
		{"critical,CA:FALSE", "critical,digitalSignature,keyCertSign", EMR_BAD_SIGNATURE},
		{NULL, "critical,digitalSignature,keyCertSign", EMR_BAD_SIGNATURE},
		{"critical,CA:TRUE", "critical,digitalSignature,cRLSign", EMR_DAMAGED},
		{"critical,CA:TRUE", "critical,digitalSignature,keyCertSign", EMR_OK}};
	cert_wish upper = cert_authority_wish("Staff", T0), alone = cert_person_wish("lima", T0);
	cert_wish root = cert_authority_wish("Hospital", T0);
	AUTO(cert_end) cert_authority self;
	emr_cert_facts facts;
	hospital h;

	for (size_t i = 0; i < sizeof uppers / sizeof uppers[0]; i++) {
		upper.basic = uppers[i].basic;
		upper.usage = uppers[i].usage;
		begin(&h, NULL, &upper, NULL);
		assert_status(uppers[i].expected, verify_short(&h, NULL, T0 + DAY));
		end(&h);
	}
	/* A root that does not say that it is an authority is none. */
	root.basic = NULL;
	root.usage = "critical,digitalSignature,keyCertSign";
	begin(&h, &root, NULL, NULL);
	assert_status(EMR_BAD_SIGNATURE, verify_short(&h, NULL, T0 + DAY));
	end(&h);
	/* Nor himself. */
	cert_begin(&self, &alone, NULL);
	assert_ok(emr_cert_read(emr_buf_view(&self.der), &facts));
	assert_status(EMR_BAD_SIGNATURE, emr_cert_verify(emr_buf_view(&self.der),
						 emr_buf_view(&self.der), T0 + DAY, &facts));
}

TEST(a_path_is_not_longer_than_an_authority_allows)
{
	cert_wish root = cert_authority_wish("Hospital", T0),
		  upper = cert_authority_wish("Staff", T0);
	hospital h;

	root.basic = "critical,CA:TRUE,pathlen:0";
	begin(&h, &root, NULL, NULL);
	assert_status(EMR_BAD_SIGNATURE, verify_short(&h, NULL, T0 + DAY));
	end(&h);
	root.basic = "critical,CA:TRUE,pathlen:1";
	begin(&h, &root, NULL, NULL);
	assert_ok(verify_short(&h, NULL, T0 + DAY));
	assert_status(EMR_BAD_SIGNATURE, verify_long(&h, T0 + DAY));
	end(&h);
	upper.basic = "critical,CA:TRUE,pathlen:0";
	begin(&h, NULL, &upper, NULL);
	assert_ok(verify_short(&h, NULL, T0 + DAY));
	assert_status(EMR_BAD_SIGNATURE, verify_long(&h, T0 + DAY));
	end(&h);
}

TEST(what_is_critical_is_understood_or_refused)
{
	cert_wish upper = cert_authority_wish("Staff", T0),
		  root = cert_authority_wish("Hospital", T0);
	cert_wish doctor = cert_person_wish("lima", T0);
	hospital h;

	upper.has_unknown = true;
	begin(&h, NULL, &upper, NULL);
	assert_status(EMR_DAMAGED, verify_short(&h, NULL, T0 + DAY));
	end(&h);
	root.has_unknown = true;
	begin(&h, &root, NULL, NULL);
	assert_status(EMR_DAMAGED, verify_short(&h, NULL, T0 + DAY));
	end(&h);
	begin(&h, NULL, NULL, NULL);
	doctor.has_unknown = true;
	assert_status(EMR_DAMAGED, verify_short(&h, &doctor, T0 + DAY));
	end(&h);
	/* An authority for one hospital's addresses certifies no others. */
	upper = cert_authority_wish("Staff", T0);
	upper.names = "critical,permitted;email:saolucas.example";
	doctor = cert_person_wish("lima", T0);
	begin(&h, NULL, &upper, NULL);
	assert_ok(verify_short(&h, NULL, T0 + DAY));
	doctor.mail = "email:lima@saolucas.example";
	assert_ok(verify_short(&h, &doctor, T0 + DAY));
	doctor.mail = "email:lima@evil.example";
	assert_status(EMR_BAD_SIGNATURE, verify_short(&h, &doctor, T0 + DAY));
	end(&h);
	/* One that asks for a policy that nobody has. */
	upper.names = NULL;
	upper.policies = "critical,requireExplicitPolicy:0";
	begin(&h, NULL, &upper, NULL);
	/* OpenSSL 3.0.19 of Debian 12 loses the policy constraints of a certificate that it has
	 * refused by them, 42 bytes each time. */
#ifdef __SANITIZE_ADDRESS__
	__lsan_disable();
#endif
	assert_status(EMR_BAD_SIGNATURE, verify_short(&h, NULL, T0 + DAY));
#ifdef __SANITIZE_ADDRESS__
	__lsan_enable();
#endif
	end(&h);
}

TEST(a_chain_ends_at_the_organisations_own_root)
{
	const cert_wish doctor = cert_person_wish("lima", T0);
	EMR_AUTO_BUF chain = {0};
	emr_cert_facts facts;
	AUTO(end) hospital h, same_names;

	begin(&h, NULL, NULL, NULL);
	begin(&same_names, NULL, NULL, NULL);
	cert_certify(&same_names.upper, &doctor, h.public.p256_spki, &chain);
	append(&chain, &same_names.upper);
	assert_ok(emr_cert_verify(
		emr_buf_view(&chain), emr_buf_view(&same_names.root.der), T0 + DAY, &facts));
	assert_status(EMR_BAD_SIGNATURE,
		emr_cert_verify(emr_buf_view(&chain), emr_buf_view(&h.root.der), T0 + DAY, &facts));
	/* With the other's root among those on the way, too. */
	append(&chain, &same_names.root);
	assert_status(EMR_BAD_SIGNATURE,
		emr_cert_verify(emr_buf_view(&chain), emr_buf_view(&h.root.der), T0 + DAY, &facts));
	/* A certificate below an authority has not its word when the authority itself counts as the
	 * root. */
	chain.len = 0;
	cert_certify(&h.upper, &doctor, h.public.p256_spki, &chain);
	assert_status(EMR_BAD_SIGNATURE, emr_cert_verify(emr_buf_view(&chain),
						 emr_buf_view(&h.upper.der), T0 + DAY, &facts));
}

TEST(other_curves_have_no_place_on_the_way)
{
	cert_wish upper = cert_authority_wish("Staff", T0);
	AUTO(end) hospital h;

	upper.curve = "P-384";
	begin(&h, NULL, &upper, NULL);
	assert_status(EMR_DAMAGED, verify_short(&h, NULL, T0 + DAY));
}

TEST(no_flipped_byte_of_a_long_chain_is_accepted)
{
	const cert_wish doctor = cert_person_wish("lima", T0);
	EMR_AUTO_BUF chain = {0};
	emr_cert_facts facts;

	SCENE_OF(hospital, h, end, begin, NULL, NULL, NULL);
	cert_certify(&h.upper, &doctor, h.public.p256_spki, &chain);
	append(&chain, &h.upper);
	for (size_t i = 0; i < chain.len; i++) {
		chain.data[i] ^= 1;
		assert_int_not_equal(EMR_OK, emr_cert_verify(emr_buf_view(&chain),
						     emr_buf_view(&h.root.der), T0 + DAY, &facts));
		chain.data[i] ^= 1;
	}
	assert_ok(emr_buf_append_zeros(&chain, 1));
	assert_status(EMR_DAMAGED, emr_cert_read(emr_buf_view(&chain), &facts));
}

TESTS(NULL, NULL)
