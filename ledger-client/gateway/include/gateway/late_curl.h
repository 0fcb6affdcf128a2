/* These functions load libcurl when it is first needed (late_curl.c). */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

/* From here on a server whose certificate is not by the CA that was given is
 * CURLE_PEER_FAILED_VERIFICATION, also where another CA has the same name.  After each
 * curl_easy_reset.  False: no memory. */
bool late_curl_tell_certificates(CURL *easy);
