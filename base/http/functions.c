/* This file is a loaded module of its own: it is linked with libcurl, and names libcurl's functions
 * in one table for the program that loads it. */
#define EMR_CURL_IS_LINKED
#include "http/curl.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

/* Of two CAs of one name the wrong one leaves the error of its signature in front of the one that
 * says what it means, and libcurl 7.88 looks at the first alone: it calls that a handshake that
 * failed, as where somebody hangs up. */
static int say_so(int is_fine, X509_STORE_CTX *chain)
{
	(void)chain;
	if (is_fine == 0)
		ERR_clear_error();
	return is_fine;
}

static CURLcode set_verification(CURL *easy, void *ssl_ctx, void *arg)
{
	(void)easy;
	(void)arg;
	SSL_CTX_set_verify(ssl_ctx, SSL_CTX_get_verify_mode(ssl_ctx), say_so);
	return CURLE_OK;
}

/* A libcurl with another library of TLS does without. */
static bool tell_certificates(CURL *easy)
{
	CURLcode code = curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, set_verification);

	return code == CURLE_OK || code == CURLE_NOT_BUILT_IN || code == CURLE_UNKNOWN_OPTION;
}

#define TAKE(name) .name = curl_##name,

__attribute__((visibility("default"))) extern const emr_curl_functions EMR_CURL_TABLE;
const emr_curl_functions EMR_CURL_TABLE = {
	.tell_certificates = tell_certificates, EMR_CURL_FUNCTIONS(TAKE)};
