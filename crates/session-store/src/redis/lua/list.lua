return {'ok', redis.call('HGET', KEYS[3], 'version') or '', redis.call('HGETALL', KEYS[1])}
