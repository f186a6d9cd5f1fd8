// Once, on one member: mongosh replica-set.js
rs.initiate({
  "_id": "chirpbird",
  "members": [
    {
      "_id": 0,
      "host": "192.0.2.41:27017"
    },
    {
      "_id": 1,
      "host": "192.0.2.42:27017"
    },
    {
      "_id": 2,
      "host": "192.0.2.43:27017"
    }
  ],
  "settings": {
    "electionTimeoutMillis": 2000,
    "heartbeatIntervalMillis": 500,
    "heartbeatTimeoutSecs": 2
  }
});
