"""
The claims of docs/security.md, by their first words, and the tests that fail if they do not hold.

A test is named by its file below test/ and its function.
"""

from __future__ import annotations

_AUTHENTICATION = 'links/gateway/test_authentication.py::test_'
_CONNECTION = 'links/gateway/test_websocket_connection.py::test_'
_DESCRIPTORS = 'links/gateway/test_descriptors.py::test_'
_DOCUMENTS = 'test_gateway_documents.py::test_'
_FILES = 'links/gateway/test_host_files.py::test_'
_GUARD = 'links/gateway/test_connection_guard.py::test_'
_LOG = 'links/gateway/test_bounded_log.py::test_'
_PARAMETERS = 'device_manager/test_manager_parameters.py::test_'
_REGISTRY = 'core/rosbridge/test_session_registry.py::test_'
_SERVER = 'links/gateway/test_server.py::test_'
_SESSION = 'core/rosbridge/test_session.py::test_'
_TOKENS = 'links/gateway/test_tokens.py::test_'
_WIRE = 'test_wire_protocol_page.py::test_'

# Each limit of the page is the one of the code.
_AS_DOCUMENTED = f'{_DOCUMENTS}the_bounds_are_as_documented'

CLAIMS: dict[str, tuple[str, ...]] = {
    'Devices, programs and browsers without ROS': (
        'links/gateway/test_gateway.py::test_firmware_session_over_a_socket',
        'links/gateway/test_gateway.py::test_a_peer_calls_devices_and_receives_streams',
        f'{_AUTHENTICATION}web_pages_of_other_origins_are_refused',
    ),
    'It gives access to the topics': (
        'core/rosbridge/test_names.py::test_other_topics_are_refused',
        'core/rosbridge/test_names.py::test_other_services_are_refused',
        f'{_SESSION}an_invalid_frame_is_refused_with_one_status_error',
        f'{_SESSION}a_refused_call_is_answered_by_its_response_alone',
    ),
    # Who can connect
    'By default the gateway listens': (
        f'{_SERVER}by_default_only_this_computer_reaches_the_gateway',
        f'{_AUTHENTICATION}only_programs_on_the_same_computer_are_operators_without_a_token',
    ),
    'To let devices on the network connect': (
        f'{_SERVER}by_default_only_this_computer_reaches_the_gateway',
    ),
    'Then every peer needs a token': (
        f'{_AUTHENTICATION}a_token_can_be_sent_in_a_header_the_url_or_a_frame',
        f'{_FILES}a_file_requires_a_token_if_the_gateway_does',
    ),
    '| `device` |': (
        f'{_SESSION}each_role_has_its_permissions',
        f'{_SESSION}a_device_token_only_admits_its_own_uid',
        f'{_WIRE}who_may_use_what',
        'command_line/test_token.py::test_any_uid',
    ),
    '| `operator` |': (f'{_SESSION}each_role_has_its_permissions', f'{_WIRE}who_may_use_what'),
    '| `viewer` |': (f'{_SESSION}each_role_has_its_permissions', f'{_WIRE}who_may_use_what'),
    'Every role can download': (
        f'{_FILES}every_role_can_download',
        f'{_FILES}anonymous_devices_can_download',
    ),
    'When a token is revoked': (
        f'{_SERVER}connections_of_a_revoked_token_are_closed',
        f'{_SERVER}a_token_of_the_same_name_keeps_no_connection_of_a_revoked_one',
        _AS_DOCUMENTED,
    ),
    'Tokens are stored as hashes': (
        f'{_TOKENS}the_file_is_private_and_contains_no_token',
        'command_line/test_token.py::test_as_a_process_only_the_token_is_on_standard_output',
        f'{_PARAMETERS}the_home_folder_may_be_written_as_in_a_shell',
    ),
    'If the file cannot be read, or anybody': (
        f'{_AUTHENTICATION}a_token_file_that_others_can_read_admits_nobody',
        f'{_SERVER}connections_with_tokens_are_closed_if_tokens_cannot_be_checked',
    ),
    'With `gateway_allow_anonymous_devices': (
        f'{_AUTHENTICATION}anonymous_devices_connect_if_they_are_allowed',
        f'{_SESSION}an_anonymous_device_may_only_act_as_a_device',
    ),
    'Such a peer can act as any device': (
        f'{_REGISTRY}an_anonymous_session_replaces_none_from_another_address',
        f'{_REGISTRY}a_session_replaces_another_with_a_token_or_if_both_are_anonymous_at_one_address',
    ),
    # Sending a token
    'In the header `Authorization': (
        f'{_AUTHENTICATION}a_token_can_be_sent_in_a_header_the_url_or_a_frame',
        'hos_client/test_connection.py::test_tokens',
        'links/gateway/test_public_clients.py::test_roslibpy_sends_its_token_as_a_header',
    ),
    'In the URL, for firmware': (
        f'{_AUTHENTICATION}a_token_can_be_sent_in_a_header_the_url_or_a_frame',
    ),
    'The gateway logs no token': (f'{_LOG}no_request_puts_its_token_into_the_log',),
    'In the first frame, within 10 s': (
        f'{_AUTHENTICATION}a_token_can_be_sent_in_a_header_the_url_or_a_frame',
        f'{_CONNECTION}a_peer_that_sends_no_token_in_time_is_disconnected',
        _AS_DOCUMENTED,
    ),
    'With roslib': (
        f'{_SESSION}the_javascript_client_sends_its_token_as_mac',
        'links/gateway/test_public_clients.py::test_roslib_sends_its_token_in_a_frame',
    ),
    'A wrong token is refused': (
        f'{_AUTHENTICATION}wrong_tokens_are_refused_and_hinder_nobody_else',
        f'{_LOG}wrong_tokens_cause_at_most_ten_lines_a_second',
    ),
    'It hinders nobody else': (
        f'{_AUTHENTICATION}wrong_tokens_are_refused_and_hinder_nobody_else',
    ),
    'A token has 256 random bits': (f'{_TOKENS}a_token_has_256_random_bits',),
    # Behind a reverse proxy
    'To a gateway on `127.0.0.1`': (
        f'{_AUTHENTICATION}only_programs_on_the_same_computer_are_operators_without_a_token',
    ),
    '`gateway_require_token`:': (
        f'{_AUTHENTICATION}programs_on_the_same_computer_may_be_asked_for_a_token',
    ),
    'Even without it, a request with one': (
        f'{_AUTHENTICATION}only_programs_on_the_same_computer_are_operators_without_a_token',
    ),
    '`gateway_trusted_proxies`:': (
        f'{_PARAMETERS}a_wrong_parameter_is_refused_with_one_sentence',
        'core/rosbridge/test_peer_addresses.py::test_networks_contain_addresses_of_their_version',
    ),
    'Only their header tells the address': (
        f'{_AUTHENTICATION}a_trusted_proxy_tells_the_address_of_the_peer',
        f'{_AUTHENTICATION}nobody_else_tells_the_address_of_a_peer',
        'core/rosbridge/test_peer_addresses.py::test_only_trusted_proxies_tell_the_address',
    ),
    'Without the parameter, all peers': (
        f'{_AUTHENTICATION}nobody_else_tells_the_address_of_a_peer',
    ),
    '`gateway_allowed_hosts`:': (f'{_AUTHENTICATION}a_request_must_be_for_a_name_of_the_gateway',),
    'The proxy must set one of the headers': (
        f'{_AUTHENTICATION}a_trusted_proxy_tells_the_address_of_the_peer',
    ),
    # Encryption
    'To use TLS, set': (
        f'{_SERVER}a_device_connects_with_tls',
        'links/gateway/test_start_errors.py::test_a_certificate_or_key_that_cannot_be_used',
        f'{_PARAMETERS}where_a_program_beside_the_manager_finds_its_gateway',
    ),
    'With TLS, the gateway refuses': (
        f'{_SERVER}a_gateway_with_tls_refuses_connections_without_it',
    ),
    'A Python client trusts': (
        f'{_SERVER}a_python_client_trusts_its_certificate_file_or_those_of_the_system',
    ),
    # Browsers
    'Therefore the gateway checks every': (
        f'{_AUTHENTICATION}a_request_must_be_for_a_name_of_the_gateway',
    ),
    'The origin of the page': (f'{_AUTHENTICATION}a_request_must_be_for_a_name_of_the_gateway',),
    'Allowed are pages that the gateway': (
        f'{_AUTHENTICATION}an_own_page_is_as_the_programs_of_its_user',
        f'{_AUTHENTICATION}web_pages_of_other_origins_are_refused',
        'core/rosbridge/test_origins.py::test_pages_are_own_ones_listed_ones_or_foreign',
    ),
    'Others are refused (403)': (
        f'{_AUTHENTICATION}web_pages_of_other_origins_are_refused',
        f'{_AUTHENTICATION}a_request_must_be_for_a_name_of_the_gateway',
    ),
    'The name that was asked for': (
        f'{_AUTHENTICATION}a_request_must_be_for_a_name_of_the_gateway',
    ),
    'It must be a numeric address': (
        f'{_AUTHENTICATION}a_request_must_be_for_a_name_of_the_gateway',
        f'{_AUTHENTICATION}the_name_of_the_computer_is_one_of_the_gateway',
        f'{_AUTHENTICATION}the_address_of_the_gateway_and_the_hosts_of_origins_are_names_of_it',
    ),
    'For another name, a request without': (
        f'{_AUTHENTICATION}a_request_must_be_for_a_name_of_the_gateway',
        f'{_AUTHENTICATION}a_token_opens_the_gateway_by_any_name',
    ),
    'A page of a listed origin needs': (
        f'{_AUTHENTICATION}only_programs_on_the_same_computer_are_operators_without_a_token',
    ),
    'Pages that the gateway serves itself': (
        f'{_AUTHENTICATION}an_own_page_needs_a_token_when_the_programs_of_its_user_do',
        f'{_AUTHENTICATION}an_own_page_is_as_the_programs_of_its_user',
    ),
    'Without a token, `Origin: file://`': (
        f'{_AUTHENTICATION}a_page_of_a_file_is_a_device_at_most',
    ),
    # Limits for each peer
    'What one peer can use of the gateway': (
        'benchmark/test_hostile.py::test_no_call_is_lost',
        f'{_GUARD}a_flood_of_any_kind_of_frame_does_not_hold_the_loop',
        f'{_GUARD}a_peer_that_does_not_read_costs_no_other_a_message',
    ),
    'A peer with a token of the role': (f'{_SESSION}a_device_token_only_admits_its_own_uid',),
    'No peer of the gateway can act': (
        'device_manager/test_manager_links.py::test_a_gateway_peer_cannot_act_for_a_device_on_ros',
    ),
    '| frame |': (
        _AS_DOCUMENTED,
        f'{_CONNECTION}the_handshake_tells_the_largest_frame_that_is_accepted',
        f'{_CONNECTION}a_huge_frame_closes_only_its_own_socket',
    ),
    '| frames |': (
        _AS_DOCUMENTED,
        f'{_GUARD}frames_above_the_rate_are_read_more_slowly_and_none_is_lost',
        f'{_GUARD}a_peer_to_whom_the_gateway_does_not_listen_stays',
        'core/rosbridge/test_settled_commands.py::test_what_settles_our_commands_counts_as_no_flood',
        'core/rosbridge/test_long_frames.py::test_a_long_frame_counts_as_several',
        'core/rosbridge/test_long_frames.py::test_a_long_result_counts_although_it_is_expected',
    ),
    '| refused frames |': (
        _AS_DOCUMENTED,
        f'{_SESSION}too_many_refused_frames_close_the_session',
        f'{_CONNECTION}too_many_errors_close_the_connection_with_a_reason',
    ),
    '| devices behind one connection |': (
        _AS_DOCUMENTED,
        f'{_SESSION}the_numbers_of_subscriptions_and_devices_are_limited',
        'links/gateway/test_gateway.py::test_the_limits_of_the_settings_apply_to_sessions',
    ),
    '| subscriptions |': (
        _AS_DOCUMENTED,
        f'{_SESSION}the_numbers_of_subscriptions_and_devices_are_limited',
        'core/rosbridge/test_subscriptions.py::test_each_id_counts_as_a_subscription',
    ),
    '| unanswered calls |': (
        _AS_DOCUMENTED,
        f'{_SESSION}the_number_of_unanswered_calls_is_limited',
    ),
    '| connections |': (
        _AS_DOCUMENTED,
        f'{_SERVER}the_number_of_connections_of_an_address_is_limited',
        f'{_AUTHENTICATION}peers_without_a_token_do_not_take_the_place_of_others',
        f'{_AUTHENTICATION}peers_without_a_token_at_many_addresses_leave_room_for_tokens',
    ),
    '| connections without a token yet |': (
        _AS_DOCUMENTED,
        f'{_AUTHENTICATION}the_number_of_peers_without_a_token_is_limited',
        f'{_AUTHENTICATION}peers_without_a_token_at_many_addresses_leave_room_for_tokens',
    ),
    '| unread messages |': (
        _AS_DOCUMENTED,
        f'{_SESSION}a_slow_reader_is_disconnected',
        f'{_CONNECTION}the_connection_of_a_slow_reader_is_cut_without_a_close_frame',
    ),
    '| handshake |': (
        _AS_DOCUMENTED,
        f'{_SERVER}an_unfinished_handshake_is_closed',
        f'{_GUARD}a_peer_that_sends_a_byte_now_and_then_is_disconnected',
        f'{_GUARD}a_peer_that_does_not_finish_the_handshake_of_tls_is_disconnected',
    ),
    '| unfinished handshakes |': (
        _AS_DOCUMENTED,
        f'{_GUARD}idle_connections_make_room_for_others',
        f'{_GUARD}idle_connections_of_a_trusted_proxy_make_room_only_at_the_limit_in_all',
        'core/rosbridge/test_handshake_queue.py'
        '::test_the_oldest_connection_of_a_crowded_address_makes_room',
    ),
    '| HTTP |': (
        _AS_DOCUMENTED,
        f'{_GUARD}a_connection_serves_one_request',
        f'{_GUARD}a_request_that_does_not_fit_is_answered_at_once',
        f'{_GUARD}a_peer_that_does_not_read_its_file_is_disconnected',
    ),
    '| log |': (
        _AS_DOCUMENTED,
        f'{_LOG}lines_above_the_limit_are_counted',
        'test_manager_log.py::test_warnings_beyond_the_limit_are_counted_and_reported_once',
        f'{_LOG}the_libraries_are_bounded_while_the_gateway_runs',
        f'{_LOG}wrong_tokens_cause_at_most_ten_lines_a_second',
    ),
    'Of each peer, the gateway handles': (
        _AS_DOCUMENTED,
        f'{_GUARD}few_frames_of_a_peer_are_handled_in_one_iteration_of_the_loop',
        f'{_GUARD}a_flood_of_any_kind_of_frame_does_not_hold_the_loop',
    ),
    'If the system allows the process': (
        _AS_DOCUMENTED,
        f'{_DESCRIPTORS}a_low_limit_leaves_descriptors_for_ros',
        f'{_DESCRIPTORS}the_limit_is_raised_as_far_as_allowed_and_told',
    ),
    '`./hos bench --hostile` measures': ('benchmark/test_hostile.py::test_no_call_is_lost',),
    '| 1001 |': (f'{_SERVER}a_stop_closes_connections_with_a_reason',),
    '| 1002 |': (
        f'{_GUARD}an_unmasked_frame_closes_the_connection',
        f'{_CONNECTION}a_frame_that_breaks_the_protocol_closes_its_connection',
    ),
    '| 1007 |': (f'{_CONNECTION}a_frame_that_breaks_the_protocol_closes_its_connection',),
    '| 1009 |': (f'{_CONNECTION}a_huge_frame_closes_only_its_own_socket',),
    '| 1011 |': (f'{_SERVER}connections_with_tokens_are_closed_if_tokens_cannot_be_checked',),
    '| 4401 |': (
        f'{_CONNECTION}a_wrong_token_in_a_frame_closes_the_connection',
        f'{_SERVER}connections_of_a_revoked_token_are_closed',
    ),
    '| 4408 |': (f'{_CONNECTION}a_peer_that_sends_no_token_in_time_is_disconnected',),
    '| 4409 |': ('links/gateway/test_gateway.py::test_a_newer_session_closes_an_older_one',),
    '| 4429 |': (f'{_CONNECTION}too_many_errors_close_the_connection_with_a_reason',),
    'The gateway closes connections with': (_AS_DOCUMENTED,),
}

# Claims about something else than the gateway, and instructions; each with the reason.
UNTESTED: dict[str, str] = {
    'Use this only on a network': 'an instruction',
    'Set two parameters': 'an instruction; the claims below it have tests',
    'For nginx': 'leads to its configuration; nginx is not installed where the tests run',
    'For Caddy': 'leads to its configuration; Caddy is not installed where the tests run',
    'Without TLS, anybody': 'about TCP',
    'Any web page that a user opens': 'about browsers',
    'The limits do not help': 'what is not promised',
    'The gateway does not protect ROS': 'what is not promised',
    'Keep DDS on one machine': 'an instruction',
}
