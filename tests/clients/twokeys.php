<?php
// A client of the two-keys interface, written from its document alone: what a phone's back end, or a page, would do.
// php twokeys.php BASE_URL CLIENT_ID CLIENT_SECRET USERNAME PASSWORD TRANSPORT; prints what it heard, as one JSON object.

date_default_timezone_set('Asia/Shanghai');
[, $base, $client_id, $client_secret, $username, $password, $transport] = $argv;

/** How a form is posted (null: GET): each the way that PHP programs are written. */
$transports = [
    'file_get_contents' => function ($url, $form) {
        $http = ['method' => $form === null ? 'GET' : 'POST'];
        if ($form !== null) {
            $http += ['header' => 'Content-type: application/x-www-form-urlencoded', 'content' => http_build_query($form)];
        }
        return file_get_contents($url, false, stream_context_create(['http' => $http]));
    },
    // What curl makes of an array, for a PHP that has no curl.
    'multipart' => function ($url, $form) {
        $http = ['method' => $form === null ? 'GET' : 'POST'];
        if ($form !== null) {
            $boundary = '------------------------' . bin2hex(random_bytes(8));
            $content = '';
            foreach ($form as $name => $value) {
                $content .= "--$boundary\r\nContent-Disposition: form-data; name=\"$name\"\r\n\r\n$value\r\n";
            }
            $http += ['header' => "Content-Type: multipart/form-data; boundary=$boundary", 'content' => "$content--$boundary--\r\n"];
        }
        return file_get_contents($url, false, stream_context_create(['http' => $http]));
    },
    'curl with an array' => fn($url, $form) => with_curl($url, $form),
    'curl with http_build_query' => fn($url, $form) => with_curl($url, $form === null ? null : http_build_query($form)),
];

function with_curl($url, $fields)
{
    $ch = curl_init($url);
    curl_setopt($ch, CURLOPT_RETURNTRANSFER, true);
    if ($fields !== null) {
        curl_setopt($ch, CURLOPT_POST, true);
        curl_setopt($ch, CURLOPT_POSTFIELDS, $fields);
    }
    $answer = curl_exec($ch);
    curl_close($ch);
    return $answer;
}

/** Call 模块名/控制器名/方法名, and return the answer as PHP has it. */
function call($module, $controller, $action, $form = null, $more = [], $secret = null)
{
    global $base, $client_id, $client_secret, $transports, $transport;
    $api_token = md5($module . $controller . $action . date('Y-m-d', time()) . ($secret ?? $client_secret));
    $query = http_build_query(['client_id' => $client_id, 'api_token' => $api_token] + $more);
    return json_decode($transports[$transport]("$base/$module/$controller/$action?$query", $form), true);
}

/** The same by mod, ctl and act, as the document's own server reads them. */
function call_script($module, $controller, $action, $form = null)
{
    global $base, $client_id, $client_secret, $transports, $transport;
    $api_token = md5($module . $controller . $action . date('Y-m-d', time()) . $client_secret);
    $query = ['mod' => $module, 'ctl' => $controller, 'act' => $action, 'client_id' => $client_id, 'api_token' => $api_token];
    return json_decode($transports[$transport]("$base/index.php?" . http_build_query($query), $form), true);
}

$heard = ['login' => call('api', 'login', 'login', ['username' => $username, 'password' => $password])];
$user = ['user_id' => $heard['login']['data']['user_id'], 'user_token' => $heard['login']['data']['user_token']];

$heard['wrong password'] = call('api', 'login', 'login', ['username' => $username, 'password' => 'wrong']);
$heard['add'] = call('api', 'notice', 'add', ['title' => '我是标题', 'content' => '我是内容'], $user);
$heard['add, the user in the form'] = call('api', 'notice', 'add', ['title' => '一 & 二', 'content' => "100% +\r\n"] + $user);
$heard['list'] = call('api', 'notice', 'list');
$heard['list by index.php'] = call_script('api', 'notice', 'list');
$heard['info'] = call('api', 'user', 'info', null, $user);
$heard['info by index.php'] = call_script('api', 'user', 'info', $user);
$heard['wrong secret'] = call('api', 'notice', 'list', null, [], 'another secret');
$heard['no user'] = call('api', 'user', 'info');
$heard['user_id twice'] = call('api', 'user', 'info', $user, ['user_id' => $user['user_id']]);
$heard['not his token'] = call('api', 'user', 'info', null, ['user_id' => $user['user_id'] + 1] + $user);
$heard['logout'] = call('api', 'login', 'logout', $user);
$heard['after logout'] = call('api', 'user', 'info', null, $user);

echo json_encode($heard, JSON_UNESCAPED_UNICODE);
