/* The file that leads a member to the host of a network is read as it was written, or not at all.
 */
#include "emr_test.h"

#include <string.h>

#include "served/client.h"

static emr_served_at at_url(void)
{
	emr_served_at at = {.url = "https://practice.example:7443"};

	for (size_t i = 0; i < sizeof at.key.b; i++)
		at.key.b[i] = (uint8_t)(i * 7 + 1);
	emr_served_pin_text(at.key, at.pin);
	return at;
}

static bool is_same(const emr_served_at *a, const emr_served_at *b)
{
	return strcmp(a->url, b->url) == 0 && strcmp(a->pin, b->pin) == 0 &&
	       strcmp(a->socket, b->socket) == 0 && emr_id32_equal(a->key, b->key) &&
	       a->has_login == b->has_login && a->is_known == b->is_known &&
	       strcmp(a->login, b->login) == 0;
}

static void flip_each(const emr_served_at *at)
{
	EMR_AUTO_BUF text = {0};
	emr_served_at again;
	size_t harmless = 0;

	assert_ok(emr_served_at_write(at, &text));
	assert_ok(emr_served_at_read(emr_buf_view(&text), &again));
	assert_true(is_same(at, &again));
	for (size_t bit = 0; bit < 8 * text.len; bit++) {
		text.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (emr_served_at_read(emr_buf_view(&text), &again) == EMR_OK) {
			assert_true(is_same(at, &again)); /* a blank for another */
			harmless++;
		}
		text.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_true(harmless < 16);
}

TEST(no_flipped_bit_of_where_a_host_is_leads_elsewhere)
{
	const emr_served_at url = at_url();
	emr_served_at socket = {
		.socket = "/run/practice/api.sock", .key = url.key, .has_login = true};

	flip_each(&url);
	flip_each(&socket);
	socket.is_known = true;
	flip_each(&socket);
	snprintf(socket.login, sizeof socket.login, "lima");
	flip_each(&socket);
}

TEST(what_was_written_by_hand_has_no_sum)
{
	EMR_AUTO_BUF text = {0};
	emr_served_at url = at_url(), again;
	char *sum;

	assert_ok(emr_served_at_write(&url, &text));
	assert_ok(emr_buf_append_zeros(&text, 1));
	sum = strstr((char *)text.data, ",\n \"sum\"");
	assert_non_null(sum);
	memcpy(sum, "}", 2);
	assert_ok(emr_served_at_read(
		emr_bytes_of(text.data, strlen((const char *)text.data)), &again));
	assert_true(is_same(&url, &again));
}

TESTS(NULL, NULL)
