// What the document tells a client to do: both headers, 10026 takes the new pair, 10024 leaves.
const store = {
  get tokens() { return JSON.parse(localStorage.getItem('tokens')) },
  set tokens(tokens) { localStorage.setItem('tokens', JSON.stringify(tokens)) }
}
const seen = { renewals: 0, pairs: new Set() }

const request = axios.create({ baseURL: SERVER })

request.interceptors.request.use(config => {
  const tokens = store.tokens
  if (tokens) {
    config.headers['x-mmm-accesstoken'] = tokens.access_token
    config.headers['x-mmm-refreshtoken'] = tokens.refresh_token
  }
  return config
})

request.interceptors.response.use(response => {
  const { code, data } = response.data
  if (code === '10026') {
    seen.renewals += 1
    seen.pairs.add(JSON.stringify(data))
    store.tokens = data
    return request(response.config)
  }
  if (code === '10024') {
    localStorage.removeItem('tokens')
    location.href = '/login.html'
  }
  return response.data
})
