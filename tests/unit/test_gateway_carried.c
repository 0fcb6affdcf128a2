/* These tests send the settings of a network on Fabric by way of an invitation: another directory
 * gets the same ones, and bytes that would write other lines are refused. */

#include "base/id.h"
#include "gateway/channel.h"
#include "emr_test.h"

static char here[] = "/tmp/emrfs-carried-XXXXXX", there[] = "/tmp/emrfs-carried-XXXXXX";
static emr_buf way;

static void write_file(const char *dir, const char *name, const char *text)
{
	EMR_AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_ok(emr_file_replace(fd, name, emr_bytes_of(text, strlen(text)), 0600));
}

static void same_settings(const char *one, const char *other)
{
	EMR_AUTO_CHANNEL a = {0};
	EMR_AUTO_CHANNEL b = {0};
	char cause[256];

	assert_ok(emr_channel_read(one, &a, cause, sizeof cause));
	assert_ok(emr_channel_read(other, &b, cause, sizeof cause));
	assert_string_equal(a.msp, b.msp);
	assert_string_equal(a.channel, b.channel);
	assert_string_equal(a.chaincode, b.chaincode);
	assert_int_equal(a.n_gateways, b.n_gateways);
	assert_int_equal(a.n_organisations, b.n_organisations);
	for (size_t i = 0; i < a.n_gateways; i++)
		assert_string_equal(a.addresses[i], b.addresses[i]);
	for (size_t i = 0; i < 2 * a.n_organisations; i++)
		assert_string_equal(a.authorities[i], b.authorities[i]);
}

TEST(another_computer_gets_the_same_settings)
{
	EMR_AUTO_FD fd = open(there, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_BUF roots = {0};
	struct stat st;

	assert_ok(emr_channel_carried_check(emr_buf_view(&way)));
	assert_ok(emr_channel_settle_in(emr_buf_view(&way), fd));
	same_settings(here, there);
	assert_ok(emr_file_read(fd, "gateway-2.pem", 100, &roots));
	assert_true(emr_bytes_equal(emr_buf_view(&roots), emr_bytes_of("roots two\n", 10)));
	assert_int_equal(fstatat(fd, "network", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* Once more, over what is there. */
	assert_ok(emr_channel_settle_in(emr_buf_view(&way), fd));
	same_settings(here, there);
}

TEST(a_way_that_is_cut_or_too_long_is_refused)
{
	EMR_AUTO_BUF more = {0};

	for (size_t len = 0; len < way.len; len++)
		assert_status(EMR_DAMAGED, emr_channel_carried_check(emr_bytes_of(way.data, len)));
	assert_ok(emr_buf_append(&more, way.data, way.len));
	assert_ok(emr_buf_append_zeros(&more, 1));
	assert_status(EMR_DAMAGED, emr_channel_carried_check(emr_buf_view(&more)));
}

/* Each of the words stands in a line: with a line's end in it, there would be another one. */
TEST(a_way_whose_words_are_more_than_words_is_refused)
{
	static const char bad[] = {'\n', ' ', '\0', '\x7f', '\xe2'};
	const size_t at_msp = 9; /* after magic, rule, zeros and its length */

	assert_memory_equal(way.data + at_msp, "OrgA", 4);
	for (size_t i = 0; i < sizeof bad; i++) {
		way.data[at_msp + 1] = (uint8_t)bad[i];
		assert_status(EMR_DAMAGED, emr_channel_carried_check(emr_buf_view(&way)));
	}
	way.data[at_msp + 1] = 'r';
	way.data[5] = 2; /* another rule of endorsement */
	assert_status(EMR_DAMAGED, emr_channel_carried_check(emr_buf_view(&way)));
	way.data[5] = 1;
	way.data[4] = 2; /* from before the first release */
	assert_status(EMR_DAMAGED, emr_channel_carried_check(emr_buf_view(&way)));
	way.data[4] = 4;
	assert_status(EMR_NEWER_FORMAT, emr_channel_carried_check(emr_buf_view(&way)));
	way.data[4] = 3;
	assert_ok(emr_channel_carried_check(emr_buf_view(&way)));
}

static void carry_with(const char *line, emr_buf *out)
{
	EMR_AUTO_FD from = open(here, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_BUF before = {0}, settings = {0};
	char cause[256];

	assert_ok(emr_file_read(from, EMR_CHANNEL_SETTINGS, 4096, &before));
	assert_ok(emr_buf_append(&settings, before.data, before.len));
	assert_ok(emr_buf_append(&settings, line, strlen(line)));
	assert_ok(emr_file_replace(from, EMR_CHANNEL_SETTINGS, emr_buf_view(&settings), 0600));
	assert_ok(emr_channel_carry(here, out, cause, sizeof cause));
	assert_ok(emr_file_replace(from, EMR_CHANNEL_SETTINGS, emr_buf_view(&before), 0600));
}

#define HASH "efea3910b9b90192ddd8afcdf6f92b6ec0751bdffa5b2e39f5458b88efa0cf9c"

TEST(which_channel_it_is_goes_along)
{
	EMR_AUTO_FD fd = open(there, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_CHANNEL channel = {0};
	EMR_AUTO_BUF with = {0};
	char cause[256], hex[65];

	carry_with("genesis = " HASH "\n", &with);
	assert_ok(emr_channel_settle_in(emr_buf_view(&with), fd));
	assert_ok(emr_channel_read(there, &channel, cause, sizeof cause));
	assert_true(channel.has_genesis);
	emr_hex(channel.genesis, sizeof channel.genesis, hex);
	assert_string_equal(hex, HASH);
	for (size_t len = 0; len < with.len; len++)
		assert_status(EMR_DAMAGED, emr_channel_carried_check(emr_bytes_of(with.data, len)));
	with.data[with.len - 34] = 31; /* its length */
	assert_status(EMR_DAMAGED, emr_channel_carried_check(emr_buf_view(&with)));
	with.data[with.len - 34] = 32;
	with.data[with.len - 1] = 2; /* two authorities */
	assert_status(EMR_DAMAGED, emr_channel_carried_check(emr_buf_view(&with)));
}

TEST(settings_with_half_a_hash_are_refused)
{
	static const char *const bad[] = {"genesis = \n", "genesis = " HASH "00\n",
		"genesis = efea3910\n", "genesis = " HASH "\ngenesis = " HASH "\n"};
	EMR_AUTO_FD fd = open(there, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_ok(emr_channel_settle_in(emr_buf_view(&way), fd));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		EMR_AUTO_CHANNEL channel = {0};
		EMR_AUTO_BUF before = {0}, settings = {0};
		char cause[256] = "";

		assert_ok(emr_file_read(fd, EMR_CHANNEL_SETTINGS, 4096, &before));
		assert_ok(emr_buf_append(&settings, before.data, before.len));
		assert_ok(emr_buf_append(&settings, bad[i], strlen(bad[i])));
		assert_ok(
			emr_file_replace(fd, EMR_CHANNEL_SETTINGS, emr_buf_view(&settings), 0600));
		assert_status(EMR_INVALID, emr_channel_read(there, &channel, cause, sizeof cause));
		assert_non_null(strstr(cause, "genesis"));
		assert_ok(emr_file_replace(fd, EMR_CHANNEL_SETTINGS, emr_buf_view(&before), 0600));
	}
}

/* As whom is in the way, and in no settings. */
TEST(the_authority_goes_along)
{
	EMR_AUTO_FD fd = open(there, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_FD from = open(here, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_CHANNEL channel = {0};
	EMR_AUTO_BUF settings = {0}, before = {0}, with = {0}, roots = {0};
	char cause[256], login[EMR_CHANNEL_LOGIN_MAX + 1];

	assert_false(emr_channel_carried_login(emr_buf_view(&way), login));
	assert_ok(emr_file_read(from, EMR_CHANNEL_SETTINGS, 4096, &before));
	assert_ok(emr_buf_append(&settings, before.data, before.len));
	assert_ok(emr_buf_append(&settings, "authority = https://ca:7054 ca-tls.pem two\n", 43));
	write_file(here, "ca-tls.pem", "roots of the authority\n");
	assert_ok(emr_file_replace(from, EMR_CHANNEL_SETTINGS, emr_buf_view(&settings), 0600));
	assert_ok(emr_channel_carry_for(here, "lima", &with, cause, sizeof cause));
	assert_ok(emr_file_replace(from, EMR_CHANNEL_SETTINGS, emr_buf_view(&before), 0600));
	assert_ok(emr_channel_carried_check(emr_buf_view(&with)));
	assert_true(emr_channel_carried_login(emr_buf_view(&with), login));
	assert_string_equal(login, "lima");
	assert_ok(emr_channel_settle_in(emr_buf_view(&with), fd));
	assert_ok(emr_channel_read(there, &channel, cause, sizeof cause));
	assert_string_equal(channel.ca_address, "https://ca:7054");
	assert_string_equal(channel.ca_name, "two");
	assert_ok(emr_file_read(AT_FDCWD, channel.ca_root, 100, &roots));
	assert_true(emr_bytes_equal(
		emr_buf_view(&roots), emr_bytes_of("roots of the authority\n", 23)));
	for (size_t len = 0; len < with.len; len++) /* a piece is no way */
		assert_status(EMR_DAMAGED, emr_channel_carried_check(emr_bytes_of(with.data, len)));
	assert_int_equal(unlinkat(fd, "authority.pem", 0), 0);
	assert_int_equal(unlinkat(from, "ca-tls.pem", 0), 0);
}

AROUND(set_up)
{
	char cause[256];

	assert_non_null(mkdtemp(here));
	assert_non_null(mkdtemp(there));
	write_file(here, "one.pem", "roots one\n");
	write_file(here, "two.pem", "roots two\n");
	write_file(here, "a.pem", "the CA of A\n");
	write_file(here, "b.pem", "the CA of B\n");
	write_file(here, "network",
		"kind = fabric\nmsp = OrgA\nchannel = care\nchaincode = emrfs\n"
		"gateway = https://one.example:7051 one.pem\n"
		"gateway = https://two.example:7051 two.pem\n"
		"organisation = OrgA a.pem\norganisation = OrgB b.pem\n");
	assert_ok(emr_channel_carry(here, &way, cause, sizeof cause));
}

static void remove_all(const char *dir)
{
	static const char *const names[] = {"network", "one.pem", "two.pem", "a.pem", "b.pem",
		"gateway-1.pem", "gateway-2.pem", "organisation-1.pem", "organisation-2.pem"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		(void)unlink(printed("%s/%s", dir, names[i]));
	}
	(void)rmdir(dir);
}

AROUND(tear_down)
{
	emr_buf_free(&way);
	remove_all(here);
	remove_all(there);
}

TESTS(set_up, tear_down)
