/* The text by which a host says that it is at another address counts as its key signed it, for its
 * network and not before what is known; another key counts by administrators' signatures alone. */
#include "ledger_kit.h"

#include <string.h>

#include "served/client.h"
#include "served/server.h"

static const uint8_t secret[32] = {7}, other_secret[32] = {8};
static const emr_id16 net_id = {{1, 2, 3}}, other_net = {{1, 2, 4}};

/* As a member has it of the invitation. */
static emr_served_at at_of(const char *url)
{
	emr_served_at at = {.key = emr_served_key(secret)};

	assert_true(strlen(url) < sizeof at.url);
	memcpy(at.url, url, strlen(url));
	emr_served_pin_text(at.key, at.pin);
	return at;
}

static void say(const uint8_t by[32], emr_id16 net, uint64_t unix_s, const char *url, emr_buf *out)
{
	emr_served_at at = at_of(url);
	emr_address address;

	emr_buf_clear(out);
	assert_ok(emr_served_say_at(by, net, unix_s, &at));
	assert_ok(emr_address_of(&at, &address));
	assert_ok(emr_address_write(&address, out));
}

static emr_status take(emr_bytes text, emr_served_at *io_have)
{
	emr_address address;
	emr_served_at at;

	EMR_TRY(emr_address_read(text, &address));
	EMR_TRY(emr_address_follow(&address, net_id, io_have, &at));
	*io_have = at;
	return EMR_OK;
}

TEST(a_text_of_the_host_leads_there_and_fits_into_200_characters)
{
	static const char *const usual[] = {"https://192.168.178.200:17443",
		"https://practice-dr-silva.dyndns.example-provider.com",
		"https://[2001:0db8:85a3:08d3:1319:8a2e:0370:7344]:17443"};
	EMR_AUTO_BUF text = {0};
	emr_served_at have = at_of("https://old.example:7443");

	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
		say(secret, net_id, 100 + i, usual[i], &text);
		assert_true(text.len - 1 <= 200);
		assert_ok(take(emr_buf_view(&text), &have));
		assert_string_equal(usual[i], have.url);
		assert_true(emr_id32_equal(have.key, emr_served_key(secret)));
		assert_ok(take(emr_buf_view(&text), &have)); /* known already */
	}
}

TEST(no_changed_byte_leads_anywhere)
{
	EMR_AUTO_BUF text = {0};
	const emr_served_at before = at_of("https://old.example:7443");

	say(secret, net_id, 100, "https://192.168.0.7:7443", &text);
	for (size_t i = 0; i + 1 < text.len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			emr_served_at have = before;

			text.data[i] ^= (uint8_t)(1u << bit);
			/* White space in the place of the first letter leaves an address of none.
			 */
			assert_true(take(emr_buf_view(&text), &have) != EMR_OK);
			text.data[i] ^= (uint8_t)(1u << bit);
		}
	for (size_t len = 0; len + 1 < text.len; len++) {
		emr_served_at have = before;

		assert_true(take(emr_bytes_of(text.data, len), &have) != EMR_OK);
	}
}

TEST(another_key_another_network_and_what_is_older_count_for_nothing)
{
	EMR_AUTO_BUF text = {0};
	EMR_AUTO_BUF old = {0};
	emr_served_at have = at_of("https://old.example:7443");

	say(secret, net_id, 100, "https://192.168.0.7:7443", &old);
	say(secret, net_id, 101, "https://192.168.0.8:7443", &text);
	assert_ok(take(emr_buf_view(&text), &have));
	assert_status(EMR_ROLLBACK, take(emr_buf_view(&old), &have));
	say(other_secret, net_id, 102, "https://192.168.0.9:7443", &text);
	assert_status(EMR_BAD_SIGNATURE, take(emr_buf_view(&text), &have));
	say(secret, other_net, 102, "https://192.168.0.9:7443", &text);
	assert_status(EMR_BAD_SIGNATURE, take(emr_buf_view(&text), &have));
	assert_string_equal("https://192.168.0.8:7443", have.url);
}

/* ---- another key ---- */

static kit k;

AROUND_BY(begin, kit_new(&k))

AROUND_BY(end, kit_end(&k))

static void sign(emr_address *address, emr_id16 net, emr_id32 host, const emr_keyring *keyring)
{
	uint8_t message[EMR_ADDRESS_MESSAGE_MAX];
	const size_t len = emr_address_message(address, net, host, message);
	emr_address_voice *voice = &address->voices[address->n_voices++];
	emr_public public;

	assert_ok(emr_keyring_public(keyring, &public));
	voice->signer = public.signer_id;
	assert_ok(emr_keyring_sign(keyring, emr_signer_identity(), EMR_SIGN_ADDRESS,
		emr_bytes_of(message, len), voice->sig));
}

static unsigned votes(
	const emr_address *address, emr_id16 net, emr_id32 host, emr_ledger_copy *rows)
{
	EMR_AUTO_BUF text = {0};
	emr_address again;
	unsigned n = 99;

	assert_ok(emr_address_write(address, &text));
	assert_ok(emr_address_read(emr_buf_view(&text), &again)); /* as it goes from hand to hand */
	assert_ok(emr_address_votes(&again, net, host, rows, &n));
	return n;
}

TEST_IN(begin, end, another_key_takes_administrators_of_members_each_organisation_once)
{
	const emr_id32 old = emr_served_key(secret);
	emr_address next = {.at = at_of("https://192.168.0.7:7443"), .is_successor = true};
	emr_address changed;
	EMR_AUTO_KEYRING stranger = NULL;
	EMR_AUTO_LEDGER_COPY rows = NULL;
	emr_served_at have = at_of("https://old.example:7443"), at;
	const emr_id16 net = k.net_id;

	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1700000000, &stranger));
	assert_ok(emr_ledger_copy_open(k.network, &rows));
	next.at.key = emr_served_key(other_secret);
	sign(&next, net, old, stranger);
	assert_int_equal(0, votes(&next, net, old, rows));
	sign(&next, net, old, k.keyring);
	sign(&next, net, old, k.keyring);
	assert_int_equal(1, votes(&next, net, old, rows));
	assert_int_equal(0, votes(&next, net, next.at.key, rows)); /* of another host */
	assert_int_equal(0, votes(&next, other_net, old, rows));
	changed = next;
	changed.at.url[8] = '2';
	assert_int_equal(0, votes(&changed, net, old, rows));
	changed = next;
	changed.at.key.b[0] ^= 1;
	assert_int_equal(0, votes(&changed, net, old, rows));
	assert_status(EMR_BAD_SIGNATURE, emr_address_follow(&next, net, &have, &at));
}

TESTS(NULL, NULL)
